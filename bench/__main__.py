"""`make bench`, or `python -m bench [--quick] [NAME ...]`: measures what the notes claim about speed.

A run of everything writes the page to bench/. A quick run, a run of some experiments and a run in
which one failed write it to work/bench/. `python -m bench --page` only fills the tables again.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from datetime import date

from bench import page
from bench.clients import allow_connections
from bench.measure import Steps, machine
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
    allow_connections(20_000)
    before, started, measured = os.getloadavg()[0], time.monotonic(), {}
    if before > 1:
        print("This machine is busy, so the numbers will be noisy.", file=sys.stderr)
    with Steps(sum(page.EXPERIMENTS[name].SECONDS[plan] for name in names)) as steps:
        for name in names:
            module = page.EXPERIMENTS[name]
            steps.begin(module.TITLE, module.SECONDS[plan])
            try:
                measured[name] = module.measure(module.PLANS[plan], steps)
            except Exception as error:
                said = f"Left out: {module.TITLE}: {type(error).__name__}: {error}"
                steps.console.print(said, markup=False)
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
