"""Put the two sides together: what every request needs, whoever sends it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

from flask import Flask, abort, render_template, request, session

from portalcreds import Account, Portal, PortalCredsError, PrivilegeDeniedError, Secret, StoreUnavailableError
from portalcreds.resets import ResetResult
from portalcreds.sign_in import Unavailable
from portalcreds.texts import text_of

from . import parents, staff
from .languages import LANGUAGES, current_language
from .unsent import Unsent

_HEADERS = {
    # No inline script and no other site: what a page may load is what is in static/.
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def create_app(
    portal: Portal,
    *,
    secret_key: str,
    staff_passwords: Mapping[str, str],
    printers: Collection[str] = (),
    invite: Callable[[Account, Secret], object] | None = None,
    https: bool = False,
) -> Flask:
    """
    Return the application.

    Args:
        portal: What it works on.
        secret_key: Signs the sessions; another one ends them all.
        staff_passwords: The operators' passwords by user name: a stand-in for how your staff sign in.
        printers: The operators who are shown the buttons for letters.
        invite: Mails a contact the ticket of an invitation. Whoever has no address, and everybody where there is no
            *invite*, gets a letter.
        https: Whether browsers reach it by HTTPS, as they must anywhere but on this computer.
    """
    app = Flask(__name__)
    app.secret_key = secret_key
    app.config.update(
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=https,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=8),
        # A selection of 10,000 contacts is one field of a form.
        MAX_FORM_MEMORY_SIZE=2**20,
    )
    # One job after the other, beside the requests. Where several processes serve, run them from cron or a queue.
    jobs = ThreadPoolExecutor(1, thread_name_prefix="jobs")
    unsent = Unsent()

    def hand_over(key: str, result: ResetResult) -> None:
        # What is drawn is known to this run alone: it is sent now, or kept for a letter.
        if result.secret is None:
            return
        account = portal.store.find(result.contact_id)
        try:
            if account is not None and account.contact.email and invite is not None:
                invite(account, result.secret)
                return
        except OSError:  # As mail servers fail. The others go on; this one gets a letter.
            app.logger.error("no invitation was sent to %s", result.contact_id)  # the error's text may quote the mail
        unsent.keep(key, result)

    def carry_out(key: str) -> None:
        try:
            portal.resets.resume(key).run(partial(hand_over, key))
        except PortalCredsError:  # It names ids and no names. What is left is done after the next start.
            app.logger.exception("a job stopped")

    def begin(key: str) -> None:
        jobs.submit(carry_out, key)

    for key in portal.resets.unfinished():
        begin(key)
    app.register_blueprint(staff.pages(portal, begin, staff_passwords, printers, unsent, invite is not None))
    app.register_blueprint(parents.pages(portal))
    app.before_request(_check_token)
    app.after_request(_add_headers)
    app.context_processor(lambda: {"token": _token, "language": current_language(), "languages": LANGUAGES})
    app.add_template_filter(_say, "say")
    app.register_error_handler(PortalCredsError, _show_error)
    return app


def _say(coded: Any) -> str:
    # Staff read English here; a page of parents' is in theirs.
    return text_of(coded, None if request.blueprint == "staff" else current_language().texts)


def _token() -> str:
    """Return what each form sends along, so that no other site can send one in somebody's name (CSRF)."""
    if "token" not in session:
        session["token"] = secrets.token_urlsafe(16)
    return str(session["token"])


def _check_token() -> None:
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    kept, sent = session.get("token"), request.form.get("token", "")
    if not kept or not secrets.compare_digest(sent.encode(), kept.encode()):
        abort(400, "This form is too old. Go back and load the page again.")


def _add_headers(response: Any) -> Any:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response


def _show_error(error: PortalCredsError) -> Any:
    """Show what an operator may not do, and that the database is away. Anything else is for the developer."""
    if isinstance(error, StoreUnavailableError):
        return render_template("error.html", message=Unavailable()), 503
    if isinstance(error, PrivilegeDeniedError):
        return render_template("error.html", message=error), 403
    raise error
