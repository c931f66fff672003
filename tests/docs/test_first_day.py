"""The example is a whole day with whatever contacts it is given, and ends in a line where it cannot begin."""

import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portalcreds import Contact, ContactId, RosterReading

EXAMPLE = Path(__file__).resolve().parents[2] / "docs/examples/first_day.py"
NAMESPACE = runpy.run_path(str(EXAMPLE))
usernames_for: Callable[[RosterReading], Iterator[tuple[str, str]]] = NAMESPACE["usernames_for"]
NAMES = st.sampled_from(["", "A", "abb", "Abb", "Abb 2", "Straße"])


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    """Run it as a reader would."""
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), *map(str, arguments)])
    NAMESPACE["main"]()


def test_the_sample(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole way is shown: a plan, OK, a progress bar, a look-up, the forced change and a sign-in."""
    run(monkeypatch)
    text = capsys.readouterr().out
    steps = [
        "accounts added: 12",
        "contact_id  first_name",
        "[OK], pressed by office",
        "12/12",
        "set: 11, cannot: 1",
        "forgot the user name",
        "Signing in with AbbiaticiR: no session",
        "Keeping the default: PasswordRefused",
        "Choosing one of their own: PasswordChanged",
        "The default once more: SignInDenied",
        "The new password: SignedIn",
    ]
    places = [text.find(step) for step in steps]
    assert -1 not in places, steps[places.index(-1)]
    assert places == sorted(places)


def test_contacts_under_other_headers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Columns are found by their headers, and what the sync could not do is shown."""
    roster = tmp_path / "parents.csv"
    roster.write_text(
        "Login;Surname;Given Name;Guardian ID\n;Abb;Rosa;1\nrabb;Abb;Rita;2\n;;;3\nRABB;Li;Bo;4\n", "utf-8"
    )
    run(monkeypatch, roster, "--database", tmp_path / "portal.db")
    lines = capsys.readouterr().out.splitlines()
    assert "2. Synced with the SIS: accounts added: 3" in lines
    assert "   3: add, no_username" in lines
    assert "   4: cannot, username_taken" in lines
    assert "   The one of contact 1: rabb2" in lines


@pytest.mark.parametrize("content", [None, "a,b\n1,2\n"], ids=["no file", "unknown headers"])
def test_a_file_that_cannot_be_read(content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends with one readable line, which names what is missing."""
    roster = tmp_path / "parents.csv"
    if content is not None:
        roster.write_text(content, "utf-8")
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, roster)
    (line,) = str(ended.value.code).splitlines()
    assert ("parents.csv" if content is None else "first_name") in line


@given(st.lists(st.tuples(NAMES, NAMES, st.booleans()), max_size=8))
def test_made_up_usernames(rows: list[tuple[str, str, bool]]) -> None:
    """None is made up for who has one, and none is made up twice or is another's in the SIS."""
    contacts = tuple(
        Contact(contact_id=ContactId(str(number)), first_name=first, last_name=last)
        for number, (first, last, _) in enumerate(rows)
    )
    assigned = {
        contact.contact_id: f"{(contact.first_name or '')[:1]}{contact.last_name}{contact.contact_id}".upper()
        for contact, (_, _, has_one) in zip(contacts, rows, strict=True)
        if has_one
    }
    made_up = list(usernames_for(RosterReading(contacts=contacts, usernames=assigned)))
    owners = [contact_id for contact_id, _ in made_up]
    assert owners == [
        contact.contact_id
        for contact in contacts
        if contact.contact_id not in assigned and (contact.first_name or contact.last_name)
    ]
    names = [username.casefold() for username in [*assigned.values(), *(username for _, username in made_up)]]
    assert len(set(names)) == len(names)
