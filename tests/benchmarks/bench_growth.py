"""
Draw how adding contacts grows: ``python tests/benchmarks/bench_growth.py --picture growth.svg``.

A roster of each size is synced into an empty database, each by a process of its own: contacts in a second, the most
memory that the process had, and how often the file was written. For each point a line is printed; with ``--picture``
they are drawn too, which needs matplotlib. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bench_bulk_writes import OFFICE, allow, new, roster, say, timed
from portalcreds.administration.service import AccountService
from portalcreds.throttle import Throttle

SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
NAMES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mariadb": "MariaDB"}

Point = dict[str, float]


def main() -> None:
    """Measure each size in a process of its own, print it, and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--databases", nargs="*", choices=NAMES, default=list(NAMES))
    parser.add_argument("--picture", type=Path, help="where to write the drawing, as SVG")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        database, size = options.one.split(":")
        print(json.dumps(measure(database, int(size))))  # noqa: T201  It is what the process is asked for.
        return
    say(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}")
    say(f"{'':12}{'contacts':>10}{'seconds':>10}{'a second':>10}{'MB memory':>11}{'written':>9}")
    points: dict[str, list[Point]] = {}
    for database in options.databases:
        for size in options.sizes:
            point = in_its_own_process(database, size)
            points.setdefault(database, []).append(point)
            written = f"{point['written']:8.1f}x" if point["written"] else ""
            say(f"{database:12}{size:10,}{point['seconds']:10.1f}{point['rate']:10.0f}{point['memory']:11.0f}{written}")
    if options.picture:
        draw(points, options.picture)


def in_its_own_process(database: str, size: int) -> Point:
    """Return what a new process measures."""
    command = [sys.executable, __file__, "--one", f"{database}:{size}"]
    point: Point = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return point


def measure(database: str, size: int) -> Point:
    """Return the figures of one sync."""
    rows = roster(size)
    names = {contact.contact_id: name for contact, name in rows if name is not None}
    contacts = [contact for contact, _ in rows]
    del rows
    with new(database, None) as backend, backend.open() as store:
        service = AccountService(store, authorizer=allow, throttle=Throttle(store.counter()))
        taken = timed(database, lambda: service.sync_contacts(contacts, OFFICE, usernames=names))
    return {
        "size": size,
        "seconds": taken.seconds,
        "rate": size / taken.seconds,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "written": taken.written / taken.size if taken.size else 0,
    }


def draw(points: dict[str, list[Point]], path: Path) -> None:
    """Draw the three figures beside each other."""
    import matplotlib as mpl

    mpl.use("svg")
    # The same points give the same file.
    mpl.rcParams.update(
        {"svg.hashsalt": "growth", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    )
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(9, 2.8), layout="constrained")
    titles = {"rate": "contacts a second", "memory": "MB of memory at most", "written": "bytes written, of the file"}
    for place, (key, title) in zip(axes, titles.items(), strict=True):
        for database, those in points.items():
            line = [(point["size"], point[key]) for point in those if point[key]]
            if line:
                place.plot(*zip(*line, strict=True), marker="o", label=NAMES[database])
        place.set_xscale("log")
        place.set_ylim(bottom=0)
        place.set_title(title, fontsize=9)
        place.set_xlabel("contacts")
    axes[0].legend(frameon=False)
    figure.savefig(path, metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    main()
