"""The example runs a whole day with any contacts, and ends with one line if it cannot start."""

import runpy
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "docs/examples/first_day.py"
NAMESPACE = runpy.run_path(str(EXAMPLE))


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    """Run it as a reader would."""
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), *map(str, arguments)])
    NAMESPACE["main"]()


def test_the_sample(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The output shows a plan, OK, a progress bar, a look-up, the forced change and a sign-in, in this order."""
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
    """Columns are found by their headers, and contacts that could not be synced are shown."""
    roster = tmp_path / "parents.csv"
    roster.write_text(
        "Login;Surname;Given Name;Guardian ID\n;Abb;Rosa;1\nrabb;Abb;Rita;2\n;;;3\nRABB;Li;Bo;4\n", "utf-8"
    )
    run(monkeypatch, roster, "--database", tmp_path / "portal.db")
    lines = capsys.readouterr().out.splitlines()
    assert "2. Synced with the SIS: accounts added: 4" in lines
    assert "   3: add, no_username" in lines
    assert "   4: add, username_taken" in lines
    assert "   Contact 1 has: rabb2" in lines


@pytest.mark.parametrize("content", [None, "a,b\n1,2\n"], ids=["no file", "unknown headers"])
def test_a_file_that_cannot_be_read(content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program ends with one readable line that names what is missing."""
    roster = tmp_path / "parents.csv"
    if content is not None:
        roster.write_text(content, "utf-8")
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, roster)
    (line,) = str(ended.value.code).splitlines()
    assert ("parents.csv" if content is None else "first_name") in line
