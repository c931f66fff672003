"""The package copied into a host under another name, where its own name is forbidden (R22)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import portalcreds
from stores.hosts import need

from .arrows import EXTRAS

PACKAGE = Path(portalcreds.__file__).parent
STORY = Path(__file__).with_name("story.py")
COPY = "host._vendor.creds"

# The name is refused to the import system, and whoever asked for it is told of even if the refusal was caught.
PRELUDE = f"""
import sys

class Forbidden:
    asked = []
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {portalcreds.__name__!r}:
            self.asked.append(name)
            raise ImportError("the package was imported by its own name: " + name)

sys.meta_path.insert(0, Forbidden())
sys.path.insert(0, sys.argv[1])
"""

EPILOGUE = """
sys.exit("asked for " + ", ".join(Forbidden.asked) if Forbidden.asked else 0)
"""

# Django imports models only once there is a site.
SITE = f"""
import importlib.util
try:
    from django.conf import settings
except ImportError:
    apps = []
else:
    apps = [{COPY!r} + ".django"] if importlib.util.find_spec({COPY!r} + ".django.apps") else []
    settings.configure(
        SECRET_KEY="not a secret",
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", *apps],
        MIDDLEWARE=[name + ".sessions.SessionEpochMiddleware" for name in apps],
        AUTHENTICATION_BACKENDS=[name + ".backends.PortalBackend" for name in apps],
        DATABASES={{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        PORTALCREDS={{"authorizer": lambda operator, privilege, accounts: [True for _ in accounts]}},
    )
    import django
    django.setup()
"""

IMPORT_ALL = f"""{SITE}
import importlib, pkgutil
package = importlib.import_module({COPY!r})
extras = {dict(EXTRAS)!r}
seen = []
for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    below = found.name.removeprefix(package.__name__ + ".")
    try:
        importlib.import_module(found.name)
    except ImportError as error:
        if extras.get(below, "-") not in str(error):
            raise
    seen.append(below)
print(*seen)
"""

MIGRATE = f"""{SITE}
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("check", databases=["default"], fail_level="WARNING")
from django.contrib.auth.models import User
User.objects.create_user("rabbiatici", first_name="Rosa", last_name="Abbiatici")
call_command("portalcreds_sync", "--from-users")
"""

CONTRACT = f"""
import pytest

from {COPY}.stores.dbapi import DBAPIAccountStore
from {COPY}.stores.memory import MemoryAccountStore
from {COPY}.testing import AccountStoreContract


class TestMemory(AccountStoreContract):
    @pytest.fixture
    def store(self):
        return MemoryAccountStore()


class TestSQLite(AccountStoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        with DBAPIAccountStore.open_sqlite(tmp_path / "accounts.db") as store:
            yield store
"""

RUN_CONTRACT = """
import pytest
status = pytest.main(["-q", "-rs", "-c", "pytest.ini", "-W", "error", "-p", "no:cacheprovider", "test_contract.py"])
if status:
    sys.exit(int(status))
"""


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """Return a folder with a host's package, which holds the copy."""
    vendor = tmp_path / "host" / "_vendor"
    # With what is compiled already, which holds for the copy too: its files keep their times. What another process
    # is compiling at this moment is gone at the next.
    shutil.copytree(PACKAGE, vendor / "creds", ignore=shutil.ignore_patterns("*.pyc.*"))
    for package in (vendor, vendor.parent):
        (package / "__init__.py").write_text('"""The host\'s."""\n', encoding="utf-8")
    shutil.copy(STORY, tmp_path)
    return tmp_path


def _run(host: Path, script: str) -> subprocess.CompletedProcess[str]:
    # -I: neither the current folder, nor the user's packages, nor PYTHON… of the environment.
    command = [sys.executable, "-I", "-W", "error", "-c", PRELUDE + script + EPILOGUE, str(host)]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    return subprocess.run(command, cwd=host, env=environment, capture_output=True, text=True, check=False, timeout=300)


def _done(host: Path, script: str) -> str:
    ran = _run(host, script)
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    return ran.stdout


def test_every_module_imports_under_another_name(host: Path) -> None:
    """R22: no module of a copy needs the package's name, and one without its extra says which is missing."""
    seen = _done(host, IMPORT_ALL).split()
    files = {path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py")}
    below = {".".join(path.parent.parts if path.name == "__init__" else path.parts) for path in files}
    assert set(seen) == below - {""}


def test_a_copy_makes_the_forced_change(host: Path) -> None:
    """R22: a copy issues a default, forces the change and signs in, over both stores, and pickles an outcome."""
    _done(host, f"import story\nstory.main({COPY!r})\n")


def test_the_app_for_django_works_in_a_copy(host: Path) -> None:
    """R22: under another name the app has the same label and commands, and names its own backends and middleware."""
    need("django")
    said = _done(host, MIGRATE)
    assert "add: 1" in said


def test_a_copy_works_without_what_the_host_left_out(host: Path) -> None:
    """R22: the contract suites and the modules that need an extra can be deleted from a copy."""
    copy = host / "host" / "_vendor" / "creds"
    shutil.rmtree(copy / "testing")
    for module in EXTRAS:
        (copy / (module.replace(".", "/") + ".py")).unlink(missing_ok=True)
    _done(host, IMPORT_ALL)
    _done(host, f"import story\nfrom {COPY}.stores.memory import MemoryAccountStore as S\nstory.tell({COPY!r}, S())\n")


def test_the_contract_suite_passes_in_a_copy(host: Path) -> None:
    """R22: a host runs the contract of stores in place, from its copy, over the stores that ship with it."""
    (host / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (host / "test_contract.py").write_text(CONTRACT, encoding="utf-8")
    lines = _done(host, RUN_CONTRACT).strip().splitlines()
    assert " passed" in lines[-1]
    # Only what asks for fixtures that the test does not give is skipped.
    skipped = [line for line in lines if line.startswith("SKIPPED ")]
    assert skipped
    assert [line for line in skipped if ": not tried without a fixture " not in line] == []


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(f"import {portalcreds.__name__}", id="imported"),
        pytest.param(f"try:\n    import {portalcreds.__name__}\nexcept ImportError:\n    pass", id="tried"),
        pytest.param(f"import importlib\nimportlib.import_module('{portalcreds.__name__}.secret')", id="in a string"),
        pytest.param("import warnings\nwarnings.warn('odd', stacklevel=1)", id="warning"),
    ],
)
def test_a_copy_that_needs_its_name_or_warns_is_told(host: Path, line: str) -> None:
    """The check can fail, whatever the copy does about a refused import."""
    root = host / "host" / "_vendor" / "creds" / "__init__.py"
    root.write_text(f"{line}\n", encoding="utf-8")
    assert _run(host, f"import {COPY}\n").returncode != 0
