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
from datetime import timedelta
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

    def of(module: str) -> Any:
        return importlib.import_module(f"{name}.{module}")

    hashers, outcomes, protocols = of("hashers"), of("outcomes"), of("protocols")
    now = protocols.utc_now()
    contact = of("contacts").Contact(contact_id="c-1", first_name="Rosa", last_name="Abbiatici")
    added = of("accounts").Account(contact=contact, username="r.abbiatici")
    default = of("default_passwords").default_password(contact)
    _expect("a default of last name and first initial", default.reveal() == "AbbiaticiR")

    hasher = hashers.UpgradingHasher()
    (password_hash,) = hasher.hash_issued([default])
    issued = added.issue(
        password_hash,
        strategy="last-name-first-initial",
        issue_id="job-1",
        issued_by="office",
        issued_at=now,
        expires_at=now + timedelta(days=14),
    )
    for old, new in ((None, added), (added, issued)):
        results = [str(result) for result in store.apply([protocols.Change(old=old, new=new)])]
        _expect("a change applied", results == ["applied"])

    counter = of("stores.memory").MemoryAttemptCounter()
    service = of("sign_in_service").SignInService(store, hasher=hasher, throttle=of("throttle").Throttle(counter))
    wrong = service.sign_in("r.abbiatici", "abbiaticir")
    _expect("a denial in another case", type(wrong) is outcomes.SignInDenied)
    first = service.sign_in("r.abbiatici", default)
    _expect("a forced change", type(first) is outcomes.PasswordChangeRequired)
    changed = service.complete_change(first.ticket, "a kettle under the walnut tree")
    _expect("a changed password", type(changed) is outcomes.PasswordChanged)
    _expect("a spent default", type(service.sign_in("r.abbiatici", default)) is outcomes.SignInDenied)
    last = service.sign_in("R.Abbiatici", "a kettle under the walnut tree")
    _expect("a sign-in", type(last) is outcomes.SignedIn)
    _expect("an outcome that survives pickling", pickle.loads(pickle.dumps(last)) == last)  # noqa: S301  Its own bytes.
    return last


def main(name: str) -> None:
    """Tell the story over the store in memory and over the one in an SQLite file."""
    tell(name, importlib.import_module(f"{name}.stores.memory").MemoryAccountStore())
    with tempfile.TemporaryDirectory() as folder:
        dbapi = importlib.import_module(f"{name}.stores.dbapi")
        tell(name, dbapi.DBAPIAccountStore.open_sqlite(str(Path(folder) / "accounts.db")))


def _expect(what: str, is_so: bool) -> None:
    # Not an assert: the story is also told under -O.
    if not is_so:
        raise RuntimeError(f"expected {what}")


if __name__ == "__main__":
    main(sys.argv[1])
