"""The staff's side: find accounts, tick some, look at the plan, press OK, watch the job."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, session, url_for

from portalcreds import AccountStatus, InvalidValueError, Operator, PlanChanged, Portal, ResetOutcome
from portalcreds.accounts import INVITATION
from portalcreds.exceptions import DailyCeilingError
from portalcreds.letters import LetterStyle
from portalcreds.resets import Decision, ResetJob, ResetPlan, ResetResult

from .unsent import Unsent

PAGE_SIZE = 25
"""Accounts on a page."""

COUNTED = 1_000
"""Accounts are counted up to here with each letter that is typed; beyond it says "or more"."""

MOST = 10_000
"""Accounts in one selection."""

ROWS_SHOWN = 200
"""Rows of a plan or a report on a page, problems first; the rest is counted."""

# Problems first.
_DECISIONS = (Decision.CANNOT, Decision.SKIP, Decision.WILL_SET)
_OUTCOMES = (
    ResetOutcome.FAILED,
    ResetOutcome.UNDELIVERED,
    ResetOutcome.CANNOT,
    ResetOutcome.SKIPPED,
    ResetOutcome.NOT_REACHED,
    ResetOutcome.SET,
)


# A document of its own, whose style is in it: it may load nothing at all.
_LETTERS_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"


def pages(
    portal: Portal,
    begin: Callable[[str], None],
    passwords: Mapping[str, str],
    printers: Collection[str],
    unsent: Unsent,
    has_mail: bool,
) -> Blueprint:
    """
    Return the pages.

    Args:
        portal: What they work on.
        begin: Has the job of a key carried out, and returns at once.
        passwords: The operators' passwords by user name. Have your own staff's sign-in in its place.
        printers: The operators who are shown the buttons for letters: those who hold the privilege ``reveal``.
        unsent: The invitations that *begin* mailed to nobody, for letters.
        has_mail: Whether *begin* mails invitations at all.
    """
    app = Blueprint("staff", __name__, url_prefix="/staff")

    def operator() -> Operator:
        return Operator(operator_id=session["operator"])

    @app.before_request
    def only_operators() -> Any:
        if request.endpoint != "staff.sign_in" and session.get("operator") not in passwords:
            return redirect(url_for("staff.sign_in"))
        return None

    @app.route("/sign-in", methods=["GET", "POST"])
    def sign_in() -> Any:
        if request.method == "GET":
            return render_template("staff/sign_in.html", fault=None)
        username = request.form.get("username", "")
        expected = passwords.get(username, secrets.token_hex())
        if not secrets.compare_digest(expected.encode(), request.form.get("password", "").encode()):
            return render_template("staff/sign_in.html", fault="The user name or the password is wrong."), 403
        session.clear()
        session.permanent = True
        session["operator"] = username
        return redirect(url_for("staff.accounts"), 303)

    @app.post("/sign-out")
    def sign_out() -> Any:
        session.clear()
        return redirect(url_for("staff.sign_in"), 303)

    # -- the grid

    @app.route("/", methods=["GET", "POST"])
    def accounts() -> Any:
        # What is searched for is sent in a form and kept in the session: in an address it would get into logs.
        after = request.form.get("after") or None
        if request.method == "POST":
            session["search"] = {"words": request.form.get("words", "")[:100], "status": request.form.get("status", "")}
            if after is None and "rows" not in request.form:
                return redirect(url_for("staff.accounts"), 303)
        filters = _filters(session.get("search", {}))
        try:
            page = portal.accounts.search(operator(), limit=PAGE_SIZE, after=after, **filters)
        except InvalidValueError:
            session.pop("search", None)
            abort(400, "This search is not one of the page's. Go back and search again.")
        total = portal.accounts.count(operator(), at_most=COUNTED, **filters)
        # While somebody types, the script asks for the rows alone.
        return render_template(
            "staff/rows.html" if "rows" in request.form else "staff/accounts.html",
            page=page,
            total=total,
            is_more=total == COUNTED,
            words=filters["words"],
            status=filters["status"],
            statuses=list(AccountStatus),
            now=datetime.now(UTC),
            is_printer=session["operator"] in printers,
        )

    def selected() -> Sequence[str]:
        """Return the ids that were ticked: one row's button, all that match, or the ticks."""
        if "one" in request.form:
            return [request.form["one"]]
        if "all" in request.form:
            return portal.accounts.select_all(operator(), at_most=MOST, **_filters(request.form))
        return list(dict.fromkeys(request.form.getlist("ids")))

    # -- look, then OK, in two requests

    def planned(ids: Sequence[str]) -> ResetPlan:
        invite = "invite" in request.form
        # For one contact, who probably forgot it, a chosen password is replaced; for many, and for an invitation, only
        # if somebody says so.
        replace = True if "replace" in request.form else False if invite else None
        return portal.resets.plan(ids, operator(), replace_chosen=replace, invite=invite, max_affected=MOST)

    def by_letter(plan: ResetPlan) -> int:
        """Return how many of an invitation no mail will reach."""
        ids = [row.contact_id for row in plan if row.decision == Decision.WILL_SET]
        found = portal.store.find_many(ids) if has_mail and plan.strategy == INVITATION else {}
        return len(ids) - sum(bool(account.contact.email) for account in found.values())

    def show(plan: ResetPlan, key: str, message: object = None) -> str:
        rows = sorted(plan, key=lambda row: (_DECISIONS.index(row.decision), not row.warnings))[:ROWS_SHOWN]
        accounts = portal.store.find_many([row.contact_id for row in rows])
        return render_template(
            "staff/confirm.html",
            plan=plan,
            rows=rows,
            invited={contact_id for contact_id, each in accounts.items() if each.credential.is_invited},
            kept=sum(row.reason is not None and row.reason.value == "chose_own" for row in plan),
            can_set=plan.count(Decision.WILL_SET) > 0,
            ids=json.dumps([row.contact_id for row in plan]),
            replace="replace" in request.form,
            invite=plan.strategy == INVITATION,
            by_letter=by_letter(plan),
            key=key,
            message=message,
        )

    @app.post("/plan")
    def plan() -> Any:
        try:
            ids = selected() if "selection" not in request.form else _ids(request.form["selection"])
        except InvalidValueError:
            flash(f"More than {MOST:,} accounts match. Narrow the search.")
            return redirect(url_for("staff.accounts"), 303)
        if not ids:
            flash("Tick at least one contact first.")
            return redirect(url_for("staff.accounts"), 303)
        return show(planned(ids), uuid4().hex)

    @app.post("/jobs")
    def ok() -> Any:
        key = request.form.get("key", "")
        plan = planned(_ids(request.form.get("selection", "")))
        confirmed = plan.confirm(operator(), fingerprint=request.form.get("fingerprint"), key=key)
        if isinstance(confirmed, PlanChanged):
            if portal.resets.find_job(key) is None:  # else OK was pressed twice, and that is what changed
                return show(confirmed.plan, key, confirmed), 409
        else:
            try:
                portal.resets.start(confirmed)
            except DailyCeilingError as error:
                return show(plan, key, error), 409
            begin(key)
        return redirect(url_for("staff.job", key=key), 303)

    # -- the job, which any process can tell about

    def found(key: str) -> ResetJob:
        return portal.resets.find_job(key) or abort(404)

    @app.get("/jobs/<key>")
    def job(key: str) -> Any:
        job = found(key)
        now = job.progress()
        report = job.report() if now.is_finished or now.is_cancelled else None
        results = sorted(report or (), key=lambda row: (_OUTCOMES.index(row.outcome), not row.warnings))
        counts = [(outcome, report.count(outcome)) for outcome in _OUTCOMES if report and report.count(outcome)]
        return render_template(
            "staff/job.html",
            job=job,
            now=now,
            report=report,
            results=results[:ROWS_SHOWN],
            counts=counts,
            by_letter={result.contact_id for result in unsent.of(key)},
            is_printer=session["operator"] in printers,
        )

    @app.get("/jobs/<key>/progress")
    def progress(key: str) -> dict[str, Any]:
        now = found(key).progress()
        seconds = None if now.eta is None else round(now.eta.total_seconds())
        is_over = now.is_finished or now.is_cancelled
        return {"done": now.done, "total": now.total, "seconds": seconds, "is_over": is_over}

    @app.post("/jobs/<key>/go-on")
    def go_on(key: str) -> Any:
        # After an outage. Twice does no harm: nobody is set twice.
        begin(found(key).key)
        return redirect(url_for("staff.job", key=key), 303)

    @app.post("/jobs/<key>/cancel")
    def cancel(key: str) -> Any:
        found(key).cancel()
        return redirect(url_for("staff.job", key=key), 303)

    # -- letters, which are in the answer alone

    @app.post("/letters")
    def letters() -> Any:
        return printed([request.form.get("one", "")], "letters", ())

    @app.post("/jobs/<key>/letters")
    def letters_of_job(key: str) -> Any:
        job = found(key)
        drawn = unsent.of(key)
        # An invitation that was mailed is in no letter.
        rows = drawn if job.strategy == INVITATION else job.report()
        ids = [row.contact_id for row in rows if row.outcome == ResetOutcome.SET]
        if not ids:
            told = "The letters are no longer here. Invite again whom no mail reached."
            if not job.report().count(ResetOutcome.SET):  # Asked for by hand: then the page has no button for it.
                done = "nobody was invited" if job.strategy == INVITATION else "no password was set"
                told = f"There are no letters: {done}."
            flash(told)
            return redirect(url_for("staff.job", key=key), 303)
        return printed(ids, "slips" if request.form.get("layout") == "slips" else "letters", drawn)

    def printed(ids: Sequence[str], layout: Literal["letters", "slips"], drawn: Sequence[ResetResult]) -> Response:
        style = LetterStyle(
            # In your portal: its address as families reach it, which a proxy may hide from here.
            address=url_for("parents.home", _external=True),
            # Behind a # the ticket is in no server's log.
            invitation_address=url_for("parents.invited", _external=True) + "#",
            school="Grand Bend",
            layout=layout,
            date_text=lambda at: f"{at:%d %B %Y}",
        )
        document = portal.letters.write(ids, operator(), results=drawn).to_html(style)
        return Response(document.reveal(), headers={"Content-Security-Policy": _LETTERS_POLICY})

    return app


def _filters(sent: Mapping[str, str]) -> Any:
    """Return the filters of a search."""
    return {"words": sent.get("words", ""), "status": sent.get("status") or None}


def _ids(text: str) -> list[str]:
    """Return a selection from its hidden field."""
    try:
        ids = json.loads(text)
    except ValueError:
        abort(400)
    return [each for each in ids if isinstance(each, str)] if isinstance(ids, list) else abort(400)
