"""
The notebook of the first day runs, and shows what it shows on the site.

    PYTHONPATH=tests python tests/docs/test_notebook.py

runs it and writes down what its cells answer, after a change.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from stores.hosts import need

NOTEBOOK: Final = Path(__file__).resolve().parents[2] / "docs/tutorials/notebook.ipynb"
MAX_SIZE: Final = 100_000

# Its own processes and their pipes are its business.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


def run(folder: Path, prepare: Callable[[Any], object] = lambda notebook: None) -> Any:
    """Run the notebook in a folder, and return it with what its cells answered and without what differs by machine."""
    nbformat, nbclient = need("nbformat"), need("nbclient")
    for package in ("ipykernel", "matplotlib", "pandas", "tqdm"):
        need(package)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    prepare(notebook)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    for cell in notebook.cells:
        cell.metadata.clear()
        if "outputs" in cell:
            cell.outputs = _as_shown(cell.outputs)
    return notebook


def _as_shown(outputs: list[Any]) -> list[Any]:
    """Join what was printed bit by bit, as a terminal shows it: a carriage return writes over the line."""
    joined: list[Any] = []
    for output in outputs:
        if joined and output.output_type == "stream" == joined[-1].output_type and output.name == joined[-1].name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    for output in joined:
        if output.output_type == "stream":
            output.text = re.sub(r"[^\n\r]*\r(?!\n)", "", output.text)
    return joined


def _answers(notebook: Any) -> Iterator[tuple[str, str]]:
    """Yield what each cell answered, by cell; pictures differ by machine, and tables of pandas by its version."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {"text/plain": output.get("text", "")})
            text = data.get("text/plain", "")
            yield cell.id, text if "image/png" not in data else "a picture"
            if 'class="dataframe"' not in data.get("text/html", ""):
                yield cell.id, data.get("text/html", "")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook as it runs here and now."""
    return run(tmp_path_factory.mktemp("notebook"))


@pytest.fixture(scope="module")
def committed() -> Any:
    """The notebook as a reader sees it."""
    return need("nbformat").read(NOTEBOOK, as_version=4)


def test_a_reader_sees_what_a_run_answers(fresh: Any, committed: Any) -> None:
    """Each text and each table of ours on the site is what the cell answers today."""
    assert list(_answers(committed)) == list(_answers(fresh))


def test_its_figures(fresh: Any) -> None:
    """The day goes as the text around the cells tells it."""
    answers: dict[str, str] = {}
    for cell, text in _answers(fresh):
        answers[cell] = answers.get(cell, "") + text
    for cell, said in {
        "reading": "8 contacts, 1 refusal,",
        "sync": "8 contacts (add: 8)",
        "plan-made": "will_set: 7, cannot: 1",
        "confirmed": "confirmed by mreyes at 2026-08-24 07:30",
        "job": "100%",
        "report": "set: 7, cannot: 1",
        "letters-written": "8 contacts (written: 7, ",
        "document": "********",
        "choose": "rabbiatici PasswordChangeRequired PasswordChanged SignedIn",
        "page": "4 accounts (default_live: 4)",
        "unchanged-frame": "2026-09-07",
        "census": "never_issued: 1, default_live: 4, self_chosen: 3",
        "states": "a picture",
    }.items():
        assert said in answers[cell], cell


def test_it_is_clean(committed: Any) -> None:
    """It is small, names no machine and no person's folder, has no error, and its cells were run in order."""
    text = NOTEBOOK.read_text("utf-8")
    assert len(text) < MAX_SIZE
    assert not re.search(r"/(?:home|root|tmp|Users|work)\b|site-packages|Traceback", text)
    outputs = [output for cell in committed.cells for output in cell.get("outputs", ())]
    assert {output.output_type for output in outputs} <= {"stream", "execute_result", "display_data"}
    assert not [output for output in outputs if output.get("name") == "stderr"]
    counts = [cell.execution_count for cell in committed.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


def test_a_change_is_found(tmp_path: Path, committed: Any) -> None:
    """The comparison can fail: one contact less is another answer."""

    def shorten(notebook: Any) -> None:
        (cell,) = (cell for cell in notebook.cells if cell.id == "frame")
        cell.source = cell.source.replace('("P-1005", "Bo", "Li", "bli"),', "")

    assert list(_answers(run(tmp_path, shorten))) != list(_answers(committed))


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        need("nbformat").write(run(Path(place)), NOTEBOOK)
    sys.exit(0)
