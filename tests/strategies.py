"""Generate names, contacts, credentials and accounts for property tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from hypothesis import strategies as st

from portalcreds.accounts import Account, Credential, CredentialOrigin, PasswordHash
from portalcreds.contacts import Contact, ContactId

NOW: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
"""An instant for tests: aware, in UTC, and always the same."""

# What real names are made of, and what goes wrong in them; drawn more often than the rest of Unicode.
_NAME_CHARACTERS: Final = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ '’-.éÉñÑßſıİǆøŁ"
    "\u0301\u0303\u0308\u0327\u0345\u05b8\u0e33\u094d\u0915\u0937\u093f\ufe0f\u20e3\u200c\u200d\u200e\u00a0\u3000\ufeff"
    "דעמיתمحمداولЖенщинаΑλεξης李明김민준\u1112\u1161\u11abぁヤ\ufb2c\u0958\U0001d160\u212b\ufb01１"
    "\U0001f468\U0001f469\U0001f3fd\U0001f1eb\U0001f1f7❤\u2640"
)

name_characters = st.sampled_from(_NAME_CHARACTERS) | st.characters(exclude_categories=("Cs", "Cc"))
"""Characters that a contact may have in a name, without control characters."""


def names(*, max_size: int = 40) -> st.SearchStrategy[str]:
    """Return names of every script, blank and empty ones among them."""
    return st.text(name_characters, max_size=max_size)


contact_ids = st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True).map(ContactId)
"""Identifiers of contacts."""


def contacts(*, name: st.SearchStrategy[str | None] | None = None) -> st.SearchStrategy[Contact]:
    """Return contacts whose names are drawn from *name*: names of every script, or None."""
    drawn = st.none() | names() if name is None else name
    return st.builds(Contact, contact_id=contact_ids, first_name=drawn, last_name=drawn)


instants = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))
"""Instants in UTC, to the microsecond."""

codes = st.from_regex(r"[a-z][a-z0-9_-]{0,20}", fullmatch=True)
"""Reasons, strategy ids and the like."""

password_hashes = st.from_regex(r"\$x\$[a-f0-9]{8}", fullmatch=True).map(PasswordHash)
"""Hashes; of no scheme, for nothing here verifies them."""


@st.composite
def credentials(draw: st.DrawFn, origins: st.SearchStrategy[CredentialOrigin] | None = None) -> Credential:
    """Return credentials in every state that can be."""
    origin = draw(st.sampled_from(CredentialOrigin) if origins is None else origins)
    epoch = draw(st.integers(0, 1000))
    if origin is CredentialOrigin.NONE:
        return Credential(epoch=epoch)
    issued = origin is CredentialOrigin.ISSUED
    reason = draw(st.none() | codes)
    has_ticket = (issued or reason is not None) and draw(st.booleans())
    return Credential(
        password_hash=draw(password_hashes),
        origin=origin,
        change_required_by=reason,
        strategy=draw(codes) if issued else None,
        issue_id=draw(codes),
        issued_by="op-1",
        issued_at=draw(instants),
        changed_at=draw(st.none() | instants),
        expires_at=draw(instants) if issued else None,
        epoch=epoch,
        ticket_digest="ab" * 32 if has_ticket else None,
        ticket_expires_at=NOW + timedelta(minutes=10) if has_ticket else None,
    )


usernames = st.from_regex(r"[A-Za-zÀ-ÿ][A-Za-z0-9.]{0,15}", fullmatch=True)
"""User names as people have them."""


def accounts(origins: st.SearchStrategy[CredentialOrigin] | None = None) -> st.SearchStrategy[Account]:
    """Return accounts in every state but erased."""
    return st.builds(
        Account,
        contact=contacts(),
        username=st.none() | usernames,
        credential=credentials(origins),
        is_active=st.booleans(),
        last_sign_in_at=st.none() | instants,
        version=st.integers(1, 1000),
    )
