"""`make bench`, or `python -m bench [--quick] [NAME ...]`: measures what the notes claim about speed.

A run of everything writes the page to bench/. A quick run, a run of some experiments and a run in
which one failed write it to work/bench/. `python -m bench --page` only fills the tables again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from datetime import date
from types import ModuleType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bench import page
from bench.measure import machine
from course.environment import ROOT


def run(quick: bool, names: list[str] | None = None) -> int:
    """Measure all experiments, or the named ones, and write the page.

    An experiment that fails costs one line and none of the others. Returns the exit status: 1 if one
    failed.
    """
    names = names or list(page.EXPERIMENTS)
    plan = "quick" if quick else "full"
    for number in (signal.SIGTERM, signal.SIGHUP):  # like Ctrl-C: the servers end with us
        signal.signal(number, signal.default_int_handler)
    before, started, measured = os.getloadavg()[0], time.monotonic(), {}
    if before > 1:
        print("This machine is busy, so the numbers will be noisy.", file=sys.stderr)
    columns = [TextColumn("{task.description:50}"), BarColumn(), TimeElapsedColumn()]
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        total = bar.add_task("in all", total=sum(page.EXPERIMENTS[n].SECONDS[plan] for n in names))
        for name in names:
            module = page.EXPERIMENTS[name]
            try:
                measured[name] = _measure(module, plan, bar, total)
            except Exception as error:
                said = f"Left out: {module.TITLE}: {type(error).__name__}: {error}"
                bar.console.print(said, markup=False)
    if not measured:
        return 1
    results = {
        "plan": plan,
        "date": date.today().isoformat(),
        "minutes": (time.monotonic() - started) / 60,
        "machine": machine(),
        "load_average": [before, os.getloadavg()[0]],
        "experiments": measured,
    }
    whole = not quick and list(measured) == list(page.EXPERIMENTS)
    written = page.write(results, page.PAGE.parent if whole else ROOT / "work" / "bench")
    for claim, _, numbers, verdict in page.claims(measured):
        print(f"{claim}\n    {verdict.strip('*')}: {numbers}")
    print(f"The tables and plots are in {written.relative_to(ROOT)}")
    return 0 if len(measured) == len(names) else 1


def _measure(module: ModuleType, plan: str, bar: Progress, total: TaskID) -> dict:
    """The data of an experiment. The bar advances with the clock, up to the seconds it should take."""
    left, since = module.SECONDS[plan], time.monotonic()
    if not bar.console.is_terminal:
        bar.console.print(f"{module.TITLE} (about {left} s)")

    def step(text: str) -> None:
        nonlocal left, since
        passed = min(left, time.monotonic() - since)
        left, since = left - passed, time.monotonic()
        bar.update(total, advance=passed, description=f"{module.TITLE}: {text}"[:50])

    found = module.measure(module.PLANS[plan], step)
    data = asyncio.run(found) if asyncio.iscoroutine(found) else found
    bar.advance(total, left)
    return data


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a first impression in under a minute")
    parser.add_argument("--page", action="store_true", help="only fill the page from results.json")
    parser.add_argument("names", nargs="*", choices=[[], *page.EXPERIMENTS], metavar="NAME")
    given = parser.parse_args()
    if given.page:
        stored = (page.PAGE.parent / "results.json").read_text(encoding="utf-8")
        page.write(json.loads(stored), page.PAGE.parent)
        return 0
    try:
        return run(given.quick, given.names)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
