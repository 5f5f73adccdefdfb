"""For authors: `python -m bench` writes results.md and the plots anew from results.json.

`python -m bench NAME ...` first measures these experiments again, and keeps the others' numbers.
"""

import json
import sys
from datetime import date

from bench import report
from bench.clients import allow_many_connections
from bench.measure import HERE, Steps


def main() -> int:
    results = json.loads((HERE / "results.json").read_text(encoding="utf-8"))
    allow_many_connections()
    names = sys.argv[1:]
    with Steps(sum(report.experiment(name).SECONDS["full"] for name in names)) as steps:
        for name in names:
            module = report.experiment(name)
            steps.begin(module.TITLE, module.SECONDS["full"])
            results["experiments"][name] = module.measure(module.PLANS["full"], steps)
            results["date"] = date.today().isoformat()
    print(report.write(results, HERE))
    return 0


if __name__ == "__main__":
    sys.exit(main())
