"""A copy of the package, made as the page says, runs the blocks that the page has for it."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import portalcreds

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/vendor.md").read_text("utf-8")


def _block(marker: str) -> str:
    found = re.search(rf"^ *<!-- {marker} -->\n *```\w+\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, marker
    return found[1]


def _type(marker: str, folder: Path) -> None:
    """Do what a block of the page says, as whoever types it."""
    subprocess.run(["sh", "-eu", "-c", _block(marker)], cwd=folder, check=True, timeout=60)


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """Return a folder with a host's package that holds the copy, made by the page's own commands."""
    sources = tmp_path / "portalcreds"
    (sources / "src").mkdir(parents=True)
    (sources / "src/portalcreds").symlink_to(Path(portalcreds.__file__).parent)
    (sources / "LICENSE").symlink_to(ROOT / "LICENSE")
    _type("copy", tmp_path)
    (tmp_path / "host/_vendor/__init__.py").touch()
    return tmp_path


def _run(host: Path, *arguments: str) -> None:
    # -P and the host's folder alone: what runs is the copy, from a place where nothing else is.
    code = f"import sys; sys.path.insert(0, {str(host)!r}); "
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", code + arguments[0], *arguments[1:]],
        cwd=host,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def _parts() -> list[list[str]]:
    """Return what the page lets a reader delete: the files of each line, which go together."""
    listed = re.search(r"^4\. Delete what you do not use;(.*?)\n5\.", PAGE, re.MULTILINE | re.DOTALL)
    assert listed is not None
    return [re.findall(r"`([\w/.]+)`", line) for line in listed[1].split("\n   - ")[1:]]


def _delete(host: Path, names: list[str]) -> Path:
    copy = host / "host/_vendor/creds"
    for name in names:
        path = copy / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return copy


@pytest.mark.parametrize("kept", [None, *(pytest.param(at, marks=pytest.mark.whole) for at in range(len(_parts())))])
def test_what_stays_after_deleting_passes_a_type_checker(host: Path, kept: int | None) -> None:
    """Whatever parts a reader deletes, no module that stays imports one of them, or a package that only they need."""
    api = pytest.importorskip("mypy.api", reason="needs the package mypy")
    parts = _parts()
    assert [part[0] for part in parts] == [
        *("testing/", "django/", "letters/qr.py", "sign_in/zxcvbn.py", "stores/limits.py", "stores/sqlalchemy.py")
    ]
    copy = _delete(host, [name for at, part in enumerate(parts) if at != kept for name in part])
    if kept is None:
        imported = {
            name.partition(".")[0]
            for path in copy.rglob("*.py")
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [str(node.module)]
                if isinstance(node, ast.ImportFrom) and node.level == 0
                else []
            )
        }
        assert imported - sys.stdlib_module_names == {"argon2", "attrs"}
    # Not what third parties' code says, which the library's own run checks: only the names within the copy.
    said, errors, status = api.run(
        [
            "--strict",
            "--config-file=",
            "--follow-imports=silent",
            # Django has no types.
            *("--ignore-missing-imports", "--allow-subclassing-any", "--allow-untyped-decorators"),
            "--cache-dir",
            str(host / ".mypy_cache"),
            str(copy),
        ]
    )
    assert status == 0, f"{said}\n{errors}"


def test_a_copy_forces_the_change(host: Path) -> None:
    """The copy works under its new name, after what the page lets a reader delete is deleted."""
    _delete(host, [name for part in _parts() for name in part])
    block = host / "application.py"
    block.write_text(_block("vendored"), "utf-8")
    _run(host, "import application, sys; sys.exit('portalcreds' in sys.modules)")


def test_the_contract_runs_in_a_copy(host: Path) -> None:
    """The page's test of a store passes in the host's own test run; a part of it is enough to see that it runs."""
    (host / "test_store.py").write_text(_block("vendored contract"), "utf-8")
    (host / "pytest.ini").write_text("[pytest]\n", "utf-8")
    _run(
        host,
        "import pytest; sys.exit(pytest.main(sys.argv[1:]))",
        *("-q", "-c", "pytest.ini", "-p", "no:cacheprovider", "-k", "find", "test_store.py"),
    )


def test_the_copy_has_what_the_page_names(host: Path) -> None:
    """The rules that the code cites, and the licences that must stay, are in the copy."""
    copy = host / "host/_vendor/creds"
    assert (copy / "RULES.md").is_file()
    assert (copy / "LICENSE").read_text("utf-8").startswith("MIT License")
    assert (copy / "sign_in/_common_passwords/LICENSE").is_file()


def test_the_line_of_the_licence_is_that_of_the_package() -> None:
    """What a host writes into its list of licences names this version, and the licence that the package has."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    line = _block("licence")
    assert line.startswith(f"creds: portalcreds {portalcreds.__version__}, {project['license']}, ")


def test_an_update_leaves_no_file_of_the_version_before(host: Path) -> None:
    """A module that the new version no longer has is gone from the copy."""
    left = host / "host/_vendor/creds/of_before.py"
    left.touch()
    _type("update", host)
    _type("copy", host)
    assert not left.exists()
    assert (host / "host/_vendor/creds/__init__.py").is_file()
