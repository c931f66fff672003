"""
Print the most memory that a burst of sign-ins takes: ``python tests/benchmarks/bench_memory.py``.

Each line is a process of its own, in which so many threads sign in at once at full cost, half of them with a wrong
password, over a real service. Those past the limit of the queue are told to try later. Beside ours stands argon2-cffi
called by each thread for itself, with fewer threads, because 256 would take 16 GiB.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

WHO = "ours", "argon2-cffi"


def main() -> None:
    """Run one process for each line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=256)
    parser.add_argument("--peer-threads", type=int, default=32)
    parser.add_argument("--only", choices=WHO, help="measure in this process, and print one line")
    options = parser.parse_args()
    if options.only is not None:
        measure(options.only, options.threads)
        return
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    sys.stdout.write(f"{os.cpu_count()} cores, load {load}; 64 MiB a hash\n")
    sys.stdout.write(f"{'':14}{'threads':>9}{'MiB before':>12}{'MiB at most':>12}{'seconds':>9}  outcomes\n")
    sys.stdout.flush()
    for who, threads in zip(WHO, (options.threads, options.peer_threads), strict=True):
        subprocess.run([sys.executable, __file__, "--threads", str(threads), "--only", who], check=True)


def measure(who: str, threads: int) -> None:
    """Sign in on so many threads, and print what it took."""
    call = ours() if who == "ours" else peer()
    outcomes: Counter[str] = Counter()
    start = threading.Barrier(threads + 1)

    def caller(number: int) -> None:
        start.wait()
        outcomes[call(number)] += 1

    callers = [threading.Thread(target=caller, args=[number]) for number in range(threads)]
    for thread in callers:
        thread.start()
    before, begin = peak_mib(), time.perf_counter()
    start.wait()
    for thread in callers:
        thread.join()
    seconds = time.perf_counter() - begin
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    sys.stdout.write(f"{who:14}{threads:9}{before:12.0f}{peak_mib():12.0f}{seconds:9.1f}  {told}\n")


def ours() -> Callable[[int], str]:
    """Return a sign-in over a service at full cost."""
    # Run as a program, it finds its neighbours and not the folder above.
    sys.path.append(str(Path(__file__).parents[1]))
    from benchmarks.bench_sign_in_times import EACH, PASSWORD, Portal

    portal = Portal()
    portal.hasher.__enter__()
    return lambda number: portal.sign_in(f"chosen-{number % EACH}", PASSWORD if number // EACH % 2 else "wrong")


def peer() -> Callable[[int], str]:
    """Return argon2-cffi's own verification."""
    import argon2

    hasher = argon2.PasswordHasher()
    stored = hasher.hash("password")

    def verify(number: int) -> str:
        try:
            hasher.verify(stored, "password" if number % 2 else f"wrong {number}")
        except argon2.exceptions.VerifyMismatchError:
            return "denied"
        return "verified"

    return verify


def peak_mib() -> float:
    """Return the most memory that the process held, in MiB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    main()
