"""Find tables that are not fit to hold accounts, before they cost data."""

# ruff: noqa: S608  Tables have a checked prefix; every value is a parameter.
from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from ..accounts import MAX_CODE_LENGTH, Account, Credential, CredentialOrigin, PasswordHash
from ..contacts import MAX_CONTACT_TEXT, Contact, ContactId
from ..exceptions import ConfigurationError, StoreError, StoreUnavailableError
from ..protocols import Change
from ._port import DatabaseFailure, FailureKind, Port, Statements, run
from ._rows import account_of, account_row

_CONFUSABLE: Final = ("smith", "Smith", "smíth", "smith ", "smıth", "smi\u0301th", "smith\u200d", "ss", "ß", "😀", "😁")
"""User names that databases have been seen to take for each other (case, accent, blank, dotless i, form, emoji)."""

_HASH_LENGTH: Final = 256
"""Half of the characters of the longest hash that is tried; a pepper's key id makes them longer than a plain one."""


def check_columns(port: Port, table: str, columns: Sequence[str]) -> None:
    """
    Read every column of no row.

    Raises:
        ConfigurationError: Some are missing.
    """
    if _is_readable(port, table, columns):
        return
    missing = [column for column in columns if not _is_readable(port, table, [column])]
    raise ConfigurationError(
        "prefix", f"the table {table} lacks {', '.join(missing)}; create it with create_tables, or use another prefix"
    )


def check_fidelity(port: Port, *, insert: str, select: str, tenant: str) -> None:
    """
    Write accounts that are easily confused, cut or rounded, read them back, and undo it.

    Raises:
        ConfigurationError: They did not come back as they were.
    """
    token = uuid4().hex
    accounts = [_account(f"{token} {text}.") for text in _CONFUSABLE]
    rows = [account_row(Change(old=None, new=account)) | {"tenant": tenant} for account in accounts]
    for row, text in zip(rows, _CONFUSABLE, strict=True):
        # As keys they would be folded before the database sees them, which is no reason for it to fold them too.
        row["username_key"] = row["last_name_key"] = f"{token} {text}"

    def work(statements: Statements, _: bool) -> None:
        statements.execute("SAVEPOINT checking", {})
        for row in rows:
            if not _is_written(statements, insert, row):
                raise _UnfaithfulError
        for account, row in zip(accounts, rows, strict=True):
            found = statements.execute(select + "username_key = :username_key", row)[0]
            if [account_of(values) for values in found] != [account]:
                raise _UnfaithfulError
        statements.execute("ROLLBACK TO SAVEPOINT checking", {})

    try:
        run("check", work, port.transaction)
    except _UnfaithfulError:
        pass
    else:
        return
    raise ConfigurationError(
        "prefix", "the tables refuse, cut, fold or round what accounts hold; create them with create_tables"
    )


class _UnfaithfulError(Exception):
    """Something did not come back as it was. Raised to leave the transaction without a commit."""


def _is_readable(port: Port, table: str, columns: Sequence[str]) -> bool:
    sql = f"SELECT {', '.join(columns)} FROM {table} WHERE 1 = 0"
    try:
        run("check", lambda statements, _: statements.execute(sql, {}), port.reading)
    except StoreUnavailableError:
        raise
    except StoreError:
        return False
    return True


def _is_written(statements: Statements, insert: str, row: dict[str, object]) -> bool:
    try:
        statements.execute(insert, row)
    except DatabaseFailure as failure:
        if failure.kind in (FailureKind.DUPLICATE, FailureKind.OTHER):
            return False
        raise
    return True


def _account(text: str) -> Account:
    at = datetime(2001, 2, 3, 4, 5, 6, 789_012, tzinfo=UTC)
    return Account(
        contact=Contact(
            contact_id=ContactId(text),
            first_name=" O'Brien\u0301 \U0001f600 ",
            last_name="\U0001f600" * MAX_CONTACT_TEXT,
            email="",
        ),
        username=f" {text} ",
        credential=Credential(
            password_hash=PasswordHash("aB" * _HASH_LENGTH),
            origin=CredentialOrigin.ISSUED,
            strategy="s" * MAX_CODE_LENGTH,
            issue_id="i",
            issued_by="check",
            issued_at=at,
            expires_at=at.replace(year=9999),
            ticket_digest="0a" * 32,
            ticket_expires_at=at,
        ),
        is_active=False,
        name_changed_at=at,
        last_sign_in_at=at.replace(year=1),
    )
