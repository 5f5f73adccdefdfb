"""`make bench`: measures what the notes claim about speed. The experiments are in bench/, one file each."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from datetime import date

from course.environment import ROOT


def run(quick: bool) -> int:
    """Measure all, and write the page and its plots to bench/; a quick run's to work/bench/.

    An experiment that fails is said in a line and left out, and what the others gave goes to
    work/bench/, too. Returns the exit status: 1 if one failed.
    """
    from bench import load, measure, report
    from bench.clients import allow_many_connections

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are ended
    room, plan = allow_many_connections(), "quick" if quick else "full"
    if not shutil.which("wrk"):
        print(
            f"No wrk here: our own client makes the load. To have it: {load.INSTALL}",
            file=sys.stderr,
        )
    if os.getloadavg()[0] > 1:
        print(
            "This machine is busy with other things, so the numbers will be noisy.", file=sys.stderr
        )
    modules = {name: report.experiment(name) for name in report.EXPERIMENTS}
    before, started = os.getloadavg()[0], time.monotonic()
    measured = {}
    with measure.Steps(sum(module.SECONDS[plan] for module in modules.values())) as steps:
        for name, module in modules.items():
            steps.begin(module.TITLE, module.SECONDS[plan])
            try:
                measured[name] = module.measure(_fitting(module.PLANS[plan], room), steps)
            except (OSError, RuntimeError) as error:
                steps.console.print(f"Left out: {module.TITLE}: {error}", markup=False)
    if not measured:
        return 1
    results = {
        "plan": plan,
        "date": date.today().isoformat(),
        "minutes": (time.monotonic() - started) / 60,
        "machine": measure.machine(),
        "generator": load.generator(),
        "load_average": [before, os.getloadavg()[0]],
        "experiments": measured,
    }
    for name, data in measured.items():
        steps.console.rule(modules[name].TITLE)
        for line in modules[name].headlines(data):
            steps.console.print(f"- {line}", markup=False, highlight=False)
    whole = len(measured) == len(modules)
    folder = ROOT / "bench" if whole and not quick else ROOT / "work" / "bench"
    page = report.write(results, folder)
    print(f"{page.relative_to(ROOT)}: the numbers, and a plot each beside it")
    return 0 if whole else 1


def _fitting(plan, room: int):
    """The plan without the sizes for which the system grants too few connections."""
    if isinstance(plan, dict) and "sizes" in plan:
        return plan | {"sizes": [size for size in plan["sizes"] if size <= room]}
    return plan
