"""The parents' side: sign in, the forced change, and a change of one's own."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, session, url_for

from portalcreds import (
    Account,
    PasswordChanged,
    PasswordChangeRequired,
    PasswordRefused,
    Portal,
    SignedIn,
    SignInDenied,
    TicketInvalid,
    TryLater,
)
from portalcreds.contacts import ContactId
from portalcreds.texts import text_of

from .languages import current_language


def pages(portal: Portal) -> Blueprint:
    """Return the pages."""
    app = Blueprint("parents", __name__)

    def begin_session(account: Account) -> None:
        # Only here. The epoch ends the session when the password is set or changed.
        chosen = session.get("lang")
        session.clear()
        session.permanent = True
        session["contact"] = [account.contact_id, account.credential.epoch]
        if chosen:
            session["lang"] = chosen

    def contact_id() -> ContactId | None:
        """Return whose session it is, if it is still one."""
        owner, epoch = session.get("contact", ("", None))
        return ContactId(owner) if epoch is not None and portal.store.find_epoch(owner) == epoch else None

    @app.get("/")
    def home() -> Any:
        owner = contact_id()
        account = None if owner is None else portal.store.find(owner)
        if account is not None:
            return render_template("parents/home.html", account=account, outcome=None)
        if session.pop("contact", None):
            say = current_language().say
            flash(say("Your password was set or changed, so you were signed out. Sign in again."), "bad")
        return render_template("parents/sign_in.html", outcome=None)

    @app.post("/sign-in")
    def sign_in() -> Any:
        # Behind a proxy, have werkzeug's ProxyFix set the address: limits on guessing go by it.
        outcome = portal.sign_ins.sign_in(
            request.form.get("username", ""), request.form.get("password", ""), source=request.remote_addr
        )
        match outcome:
            case SignedIn(account=account):
                begin_session(account)
                return redirect(url_for("parents.home"), 303)
            case PasswordChangeRequired(ticket=ticket):
                # In the page and not in the session: it is nobody's business but the form's.
                return render_template("parents/choose.html", ticket=ticket.reveal(), outcome=outcome)
            case TryLater(seconds=seconds):
                page = render_template("parents/sign_in.html", outcome=outcome)
                return page, 429, {"Retry-After": str(seconds)}
        return render_template("parents/sign_in.html", outcome=outcome), 403

    @app.get("/invited")
    def invited() -> Any:
        # The ticket is behind the # of the address, which no server sees; the script puts it into the form.
        return render_template("parents/choose.html", ticket="", outcome=None)

    @app.post("/choose")
    def choose() -> Any:
        ticket, new = request.form.get("ticket", ""), request.form.get("new", "")
        outcome = portal.sign_ins.complete_change(ticket, new, source=request.remote_addr)
        match outcome:
            case PasswordChanged():
                flash(text_of(outcome, current_language().texts), "good")
                return redirect(url_for("parents.home"), 303)
            case TicketInvalid():
                return render_template("parents/sign_in.html", outcome=outcome), 400
        return render_template("parents/choose.html", ticket=ticket, outcome=outcome), 400

    @app.post("/password")
    def password() -> Any:
        owner = contact_id()
        account = None if owner is None else portal.store.find(owner)
        if account is None:
            return redirect(url_for("parents.home"), 303)
        current, new = request.form.get("current", ""), request.form.get("new", "")
        outcome = portal.sign_ins.change_password(None, current, new, contact_id=owner, source=request.remote_addr)
        match outcome:
            case PasswordChanged(account=changed):
                begin_session(changed)  # this session goes on, all others end
                say = current_language().say
                flash(say("Your password is changed. You stay signed in here, and nowhere else."), "good")
                return redirect(url_for("parents.home"), 303)
            case PasswordChangeRequired(ticket=ticket):
                return render_template("parents/choose.html", ticket=ticket.reveal(), outcome=outcome)
        return render_template("parents/home.html", account=account, outcome=outcome), 400

    @app.post("/sign-out")
    def sign_out() -> Any:
        session.clear()
        return redirect(url_for("parents.home"), 303)

    @app.app_template_test("denied")
    def is_denied(outcome: object) -> bool:
        # Whoever is signed in typed no user name that could be wrong.
        return isinstance(outcome, SignInDenied)

    @app.app_template_test("refused")
    def is_refused(outcome: object) -> bool:
        return isinstance(outcome, PasswordRefused)

    return app
