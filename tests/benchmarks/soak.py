"""
Keep a portal busy for an hour, and print how its memory grows: ``python tests/benchmarks/soak.py``.

Four threads over one portal and one real store guess, sign in, set and choose passwords, invite, search, sync and clear
up, at a school's pace. An error ends it. The figure is how much more memory the process holds at the end than after a
sixth of the time, when the caches are full.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import sys
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any, Final

if __name__ == "__main__":
    # Run as a program, it finds its neighbours and not the folder above.
    sys.path.append(str(Path(__file__).parents[1]))

from portal import OFFICE, open_portal
from portalcreds import Portal, utc_now
from portalcreds.contacts import ContactId
from portalcreds.default_passwords import default_password
from portalcreds.sign_in import PasswordChangeRequired

FAMILIES: Final = 500
THREADS: Final = 4


def main() -> None:
    """Run for as long as told, and print a line for each sixth of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--store", choices=("memory", "sqlite", "postgresql", "mariadb"), default="postgresql")
    parser.add_argument("--per-second", type=float, default=20, help="how much is done, by all threads together")
    options = parser.parse_args()
    done, stop = itertools.count(), Event()
    with TemporaryDirectory() as folder, open_portal(options.store, Path(folder)) as opened:
        opened.add_school(FAMILIES)
        portal = Portal.over(opened.store, authorizer=opened.authorizer, hasher=opened.hasher)
        with ThreadPoolExecutor(THREADS) as threads:
            # As soon as one of them errs, all of them end.
            works = [threads.submit(work, portal, seed, options.per_second, done, stop) for seed in range(THREADS)]
            held = []
            for sixth in range(1, 7):
                wait(works, options.minutes * 10, return_when=FIRST_EXCEPTION)
                held.append(resident_mib())
                sys.stdout.write(f"{sixth * options.minutes / 6:6.1f} min{held[-1]:9.1f} MiB\n")
                sys.stdout.flush()
                if any(each.done() for each in works):
                    break
            stop.set()
            for each in works:
                each.result()
    sys.stdout.write(f"{next(done)} things done over {options.store}; {held[-1] / held[0] - 1:+.1%} memory\n")


def work(portal: Portal, seed: int, per_second: float, done: itertools.count[int], stop: Event) -> None:
    """Do one thing after the other until told to stop."""
    drawn = random.Random(seed)  # noqa: S311  Nothing secret is drawn.
    # Guesses are many, as in an attack, and resets are few.
    what = [guess, guess, guess, sign_in, set_and_choose, invite, search, sync, set_many]
    while not stop.wait(THREADS / per_second * drawn.uniform(0.5, 1.5)):
        who = f"s-{drawn.randrange(FAMILIES):04}"
        drawn.choice(what)(portal, who)
        if next(done) % 1000 == 0:
            clear_up(portal.store)


def guess(portal: Portal, who: str) -> None:
    """Sign in with a wrong password."""
    portal.sign_ins.sign_in(f"user.{who}", "no idea", source=f"192.0.2.{int(who[2:]) % 250}")


def sign_in(portal: Portal, who: str) -> None:
    """Sign in with the password that was chosen, if one was."""
    portal.sign_ins.sign_in(f"user.{who}", chosen(who), source=f"198.51.100.{int(who[2:]) % 250}", device="")


def set_and_choose(portal: Portal, who: str) -> None:
    """Set the default, sign in with it, and choose a password; another thread may be at the same."""
    portal.resets.reset_password(who, OFFICE)
    found = portal.store.find(ContactId(who))
    assert found is not None
    demanded = portal.sign_ins.sign_in(f"user.{who}", default_password(found.contact), source="203.0.113.1")
    if isinstance(demanded, PasswordChangeRequired):
        portal.sign_ins.complete_change(demanded.ticket, chosen(who))


def invite(portal: Portal, who: str) -> None:
    """Draw an invitation."""
    portal.resets.invite(who, OFFICE)


def search(portal: Portal, who: str) -> None:
    """Look for people, and count them."""
    portal.accounts.search(OFFICE, words=f"parent{who[2:4]}", limit=25)
    portal.accounts.count(OFFICE, words="kim")


def sync(portal: Portal, who: str) -> None:
    """Sync one family from the roster."""
    found = portal.store.find(ContactId(who))
    assert found is not None
    portal.accounts.sync_contacts([found.contact], OFFICE)


def set_many(portal: Portal, who: str) -> None:
    """Set ten defaults, planned and confirmed."""
    first = int(who[2:]) // 10 * 10
    plan = portal.resets.plan([f"s-{number:04}" for number in range(first, first + 10)], OFFICE)
    portal.resets.start(plan.confirm(OFFICE)).run()


def clear_up(store: Any) -> None:
    """Forget windows that ended, and events and jobs that are old."""
    store.counter().purge()
    for purge in (store.purge_events, store.purge_jobs):
        purge(utc_now() - timedelta(minutes=5))


def chosen(who: str) -> str:
    """Return what this family chooses."""
    return f"a long walk to house {who}"


def resident_mib() -> float:
    """Return the memory that the process holds, in MiB."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
