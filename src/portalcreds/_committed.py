"""Tell the host of a committed change, once, without letting it break what was committed."""

from __future__ import annotations

from .accounts import Account
from .audit import AuditEvent, AuditKind
from .exceptions import TransactionAborted
from .protocols import AuditSink, ChangeHook, Clock


def notify(hook: ChangeHook | None, audit: AuditSink, clock: Clock, account: Account, event: AuditEvent) -> None:
    """Call *hook*; if it fails, put that on the record and go on, because the change is committed already."""
    if hook is None:
        return
    try:
        hook(account, event)
    except Exception as error:  # noqa: BLE001  A host's mail server may fail in any way.
        failed = AuditEvent(
            kind=AuditKind.NOTIFICATION_FAILED,
            at=clock(),
            contact_id=account.contact_id,
            # The class only: the text of the host's error may quote an address or a name (R14).
            reason=type(error).__name__,
            operation_id=event.operation_id,
        )
        try:
            audit.record([failed])
        except TransactionAborted:
            raise
        except Exception:  # noqa: BLE001, S110  The sink is the host's too, and the change is committed.
            pass
