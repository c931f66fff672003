"""
Try whether the tests notice mistakes in the modules that decide who gets in: ``python tests/proof/mutate.py throttle``.

Each mutant (`mutants`) goes into a copy of the package, and the module's own tests run on it, in a process that has
pytest ready and forks. A mutant that no test notices *survives*. What is printed: the score of each module, and the
survivors. With ``--every 20`` only each twentieth is tried, always the same ones. The exit code is 1 if one survives
that `SURVIVORS` does not name: it tells of each why no test can see it, or why none needs to.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from py_compile import PycInvalidationMode
from queue import LifoQueue
from typing import Final, Literal

import attrs

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from proof.mutants import Mutant, mutants_of

TESTS: Final = Path(__file__).resolve().parents[1]

SURVIVORS: Final = TESTS / "proof" / "survivors.txt"
"""Lines of module, place and mistake, each below the reason why it may survive."""

SIGN_IN: Final = (
    "sign_in/test_tickets.py",
    "sign_in/test_sign_in_service.py",
    "sign_in/test_denials.py",
    "sign_in/test_sign_in_races.py",
    "sign_in/test_hashing_places.py",
    "sign_in/test_claim_proofs.py",
    "sign_in/test_no_path_at_all.py",
    "proof/test_small_mistakes.py",
)

MODULES: Final = {
    "tickets": ("sign_in/tickets.py", ("sign_in/test_tickets.py", "proof/test_small_mistakes.py")),
    "service": (
        "sign_in/service.py",
        (
            *SIGN_IN,
            "sign_in/test_password_checks_policy.py",
            "test_misuse.py",
            "test_throttle.py::test_a_full_queue_says_try_later_and_counts_nothing",
            "test_throttle_callers.py::test_a_place_that_was_right_before_goes_on",
            "test_story.py::test_the_whole_story_of_a_contact",
            "test_wrong_arguments.py::test_every_public_method_takes_any_mistake[sign_ins]",
            "test_throttle_credentials.py::test_what_could_not_be_verified_spends_nothing",
        ),
    ),
    "steps": (
        "sign_in/_steps.py",
        (
            "sign_in/test_steps.py",
            "sign_in/test_predictable_passwords_policy.py",
            "sign_in/test_password_policy.py",
        ),
    ),
    "throttle": (
        "throttle.py",
        (
            "test_throttle.py",
            "test_throttle_credentials.py",
            "test_throttle_under_way.py",
            "test_throttle_callers.py",
            "test_throttle_key.py",
            "administration/test_account_limits.py",
            "proof/test_small_mistakes.py",
            "sign_in/test_claim_proofs.py",
        ),
    ),
    "accounts": (
        "accounts.py",
        (
            *("test_accounts.py", "sign_in/test_tickets.py", "resets/test_invitations.py"),
            *("administration/test_moving_people.py", "proof/test_small_mistakes.py", "proof/test_account_machine.py"),
            "test_wrong_types.py",
        ),
    ),
    "ledger": ("_ledger.py", ("test_ledger.py", "administration/test_account_races.py", "test_forwarding.py")),
    "change_writer": (
        "stores/_sql/change_writer.py",
        (
            "stores/test_sqlite_store.py",
            "stores/test_rebuilt_words.py",
            "stores/host_contacts/test_scope.py",
            "stores/host_contacts/test_names.py",
            "stores/host_transactions/test_conflicts.py::test_a_rename_is_decided_on_what_is_committed[plain-mariadb]",
            "stores/host_transactions/test_conflicts.py::test_a_sync_is_decided_on_what_is_committed[plain-mariadb]",
            "stores/checking/test_confusable_usernames.py",
            "stores/test_dbapi_store.py",
            "stores/test_sql_faults.py",
            "stores/test_writing_in_sets.py",
            "stores/test_races.py::test_a_commit_that_ends_later_than_its_connection",
            "stores/test_races.py::test_bulks_in_opposite_orders_wait_for_each_other",
        ),
    ),
}
"""The modules by name: the file, and the tests that are about it, the quickest first."""

SECONDS: Final = 240
"""How long the tests may take for one mutant. One for which they never end is noticed."""


End = Literal["passed", "failed", "endless"]
"""What the tests did. On a busy machine those that only take long count as endless: how many did is told."""


@attrs.frozen
class Trial:
    """What became of a mutant."""

    module: str
    mutant: Mutant
    end: End

    @property
    def is_noticed(self) -> bool:
        """Whether the tests did anything but pass."""
        return self.end != "passed"

    @property
    def line(self) -> str:
        """As it stands in `SURVIVORS`."""
        return f"{self.module}: {self.mutant.place}: {self.mutant.mistake}".strip()


def main() -> int:
    """Try the mutants, print what survived, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", choices=[[], *MODULES], help="which modules; all if none is named")
    parser.add_argument("--every", type=int, default=1, help="try each so many-th mutant, always the same ones")
    parser.add_argument("--first", type=int, default=0, help="which mutant to begin with, to try others than before")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many at a time")
    options = parser.parse_args()
    warm_up()
    known = {line.strip() for line in SURVIVORS.read_text("utf-8").splitlines() if line and not line.startswith("#")}
    unknown = 0
    with copies(options.processes) as free:
        for name in options.modules or MODULES:
            began = time.monotonic()
            trials = try_module(name, options, free)
            left = [trial for trial in trials if not trial.is_noticed]
            of_known = [trial for trial in left if trial.line in known]
            unknown += len(left) - len(of_known)
            say(
                f"{name}: of {len(trials)} mutants {len(trials) - len(left)} were noticed, "
                f"{sum(trial.end == 'endless' for trial in trials)} of them without an end, {len(of_known)} are known, "
                f"{len(left) - len(of_known)} survived; {time.monotonic() - began:.0f} s"
            )
            for trial in left:
                say(f"  {'known ' if trial.line in known else ''}{trial.mutant.line}: {trial.line}")
    return 1 if unknown else 0


def try_module(name: str, options: argparse.Namespace, free: LifoQueue[Path]) -> list[Trial]:
    """Return what became of the mutants of a module; the module itself must pass."""
    path, tests = MODULES[name]
    source = (located() / path).read_text("utf-8")

    def attempt(mutant: Mutant) -> Trial:
        copy = free.get()
        try:
            return Trial(name, mutant, try_tests(copy, path, mutant.source, tests))
        finally:
            (copy / "portalcreds" / path).write_text(source, "utf-8")
            free.put(copy)

    if not attempt(Mutant("", 0, "", source)).is_noticed:
        with ThreadPoolExecutor(options.processes) as executor:
            return list(executor.map(attempt, islice(mutants_of(source), options.first, None, options.every)))
    copy = free.get()
    raise SystemExit(f"{name}: its tests fail without a mistake\n{(copy / 'log').read_text('utf-8')}")


def try_tests(copy: Path, path: str, source: str, tests: Sequence[str]) -> End:
    """Run the tests on the copy of the package with that source of a module."""
    (copy / "portalcreds" / path).write_text(source, "utf-8")
    child = os.fork()
    if child == 0:
        run_tests(copy, tests)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            if code in (0, 1) or code < 0:
                return "failed" if code else "passed"
            # 2 for an import that failed in the mutant; 4 and 5 if no test ran.
            if code in (2, 3):
                return "failed"
            raise SystemExit(f"the tests did not run: pytest ended with {code}; see {copy / 'log'}")
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "endless"


def run_tests(copy: Path, tests: Sequence[str]) -> None:
    """Run the tests on the copy, in a process of its own, and end it."""
    os.setsid()
    log = os.open(copy / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(log, stream)
    sys.dont_write_bytecode = True
    os.environ["PYTHONPATH"] = str(copy)
    sys.path.insert(0, str(copy))
    os.chdir(TESTS.parent)
    code = 3
    try:
        # Here, after what it prints goes to the log.
        import pytest

        options = ["-x", "-q", "--no-header", "-p", "no:cacheprovider", "--hypothesis-profile=brief"]
        # Hypothesis is imported before.
        options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
        if not tests[0].startswith("stores/"):
            # What is decided above the stores is seen over any of them.
            options += ["-k", "not sql and not mariadb"]
        code = int(pytest.main([*options, f"--basetemp={copy / 'tmp'}", *(str(TESTS / test) for test in tests)]))
    except BaseException:  # noqa: BLE001  It would end in the parent's frames.
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


@contextlib.contextmanager
def copies(count: int) -> Iterator[LifoQueue[Path]]:
    """Yield so many copies of the package to change."""
    free: LifoQueue[Path] = LifoQueue()
    with tempfile.TemporaryDirectory(prefix="mutants.") as folder:
        for number in range(count):
            copy = Path(folder) / str(number)
            shutil.copytree(located(), copy / "portalcreds", ignore=shutil.ignore_patterns("__pycache__"))
            # By what is in the file, and not by its time: two mutants may be written in one second.
            compileall.compile_dir(copy, quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
            free.put(copy)
        yield free


def located() -> Path:
    """Return where the package is, without importing it."""
    found = find_spec("portalcreds")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def warm_up() -> None:
    """Import what all tests need, once; nothing of the package."""
    import _pytest.assertion.rewrite  # noqa: F401  Imported for those who fork.
    import argon2  # noqa: F401  Imported for those who fork.
    import hypothesis.stateful  # noqa: F401  Imported for those who fork.
    import pytest  # noqa: F401  Imported for those who fork.
    import sqlalchemy  # noqa: F401  Imported for those who fork.

    assert not any(name.split(".")[0] == "portalcreds" for name in sys.modules)


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
