"""
Tell the story of one contact, from a default to a password of their own, through a copy of the package under any name.

Run it with the name to import, with the package on the path: ``python tests/shape/story.py portalcreds``. It needs
nothing but the package's two dependencies, so it also runs where no test tool is installed.
"""

from __future__ import annotations

import importlib
import pickle
import sys
import tempfile
from pathlib import Path
from typing import Any  # The package is known by name only.


def tell(name: str, store: Any) -> Any:
    """
    Issue a default, sign in with it, make the forced change and sign in again.

    Args:
        name: What the package is called here.
        store: An empty account store of that package.

    Returns:
        The last outcome, by which the contact is let in.

    Raises:
        RuntimeError: A step came to something else than it must.
    """
    portal = importlib.import_module(name)
    contact = portal.Contact(contact_id="c-1", first_name="Rosa", last_name="Abbiatici")
    office = portal.Operator(operator_id="office")
    authorizer = portal.Grants(privileges={"office": list(portal.Privilege)})
    throttle = portal.Throttle(store.counter())

    accounts = portal.AccountService(store, authorizer=authorizer, throttle=throttle)
    added = accounts.sync_contacts([contact], office, usernames={"c-1": "r.abbiatici"})
    _expect("one account added", [item.action.value for item in added] == ["add"])

    with portal.UpgradingHasher() as hasher:
        resets = portal.ResetService(store, hasher=hasher, authorizer=authorizer)
        confirmed = resets.plan(["c-1"], office).confirm(office)
        _expect("one default set", [result.outcome.value for result in resets.start(confirmed)] == ["set"])

        service = portal.SignInService(store, hasher=hasher, throttle=throttle)
        wrong = service.sign_in("r.abbiatici", "abbiaticir", source="192.0.2.7")
        _expect("a denial in another case", type(wrong) is portal.SignInDenied)
        first = service.sign_in("r.abbiatici", "AbbiaticiR", source="192.0.2.7")
        _expect("a forced change", type(first) is portal.PasswordChangeRequired)
        changed = service.complete_change(first.ticket, "a kettle under the walnut tree")
        _expect("a changed password", type(changed) is portal.PasswordChanged)
        spent = service.sign_in("r.abbiatici", "AbbiaticiR", source="192.0.2.7")
        _expect("a spent default", type(spent) is portal.SignInDenied)
        last = service.sign_in("R.Abbiatici", "a kettle under the walnut tree", source="192.0.2.7")
        _expect("a sign-in", type(last) is portal.SignedIn)
    kept = pickle.loads(pickle.dumps(last))  # noqa: S301  Its own bytes.
    _expect("an outcome that survives pickling", type(kept) is portal.SignedIn and kept.account.contact_id == "c-1")
    return last


def main(name: str) -> None:
    """Tell the story over the store in memory and over the one in an SQLite file."""
    tell(name, importlib.import_module(f"{name}.stores.memory").MemoryAccountStore())
    with tempfile.TemporaryDirectory() as folder:
        dbapi = importlib.import_module(f"{name}.stores.dbapi")
        with dbapi.DBAPIAccountStore.open_sqlite(Path(folder) / "accounts.db") as store:
            tell(name, store)


def _expect(what: str, is_so: bool) -> None:
    # Not an assert: the story is also told under -O.
    if not is_so:
        raise RuntimeError(f"expected {what}")


if __name__ == "__main__":
    main(sys.argv[1])
