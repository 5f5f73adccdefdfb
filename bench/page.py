"""results.md: prose by hand, and between markers the tables and plots of results.json."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from types import ModuleType

from bench import blocking, callbacks, chapters, polling, waiting
from bench.stats import table
from course.environment import ROOT

PAGE = ROOT / "bench" / "results.md"
# In the order of the page. Each has TITLE, ALT, PLANS, SECONDS, measure, tables, claims, plot.
MODULES: tuple[ModuleType, ...] = (blocking, callbacks, polling, waiting, chapters)
EXPERIMENTS = {module.__name__.removeprefix("bench."): module for module in MODULES}


def write(results: dict, folder: Path) -> Path:
    """Write results.json, results.md and the plots to `folder`. Returns the path of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    text = as_json(results)
    results = json.loads(text)  # the page shows what results.json holds, to the last digit
    (folder / "results.json").write_text(text, encoding="utf-8")
    for name, data in results["experiments"].items():
        _draw(EXPERIMENTS[name], data, folder / f"{name}.svg")
    page = folder / PAGE.name
    page.write_text(fill(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")
    return page


def fill(page: str, results: dict) -> str:
    """Replace what stands between each `<!-- NAME -->` and `<!-- end -->`."""
    measured = results["experiments"]
    blocks = dict.fromkeys(EXPERIMENTS, "This run did not measure it.")
    blocks["run"] = _run(results)
    blocks["claims"] = table(
        ["claim of the notes", "holds if", "measured", "verdict"], claims(measured)
    ).replace("---:", "---")
    for name, data in measured.items():
        module = EXPERIMENTS[name]
        blocks[name] = f"{module.tables(data)}\n\n![{module.ALT}]({name}.svg)"
    return re.sub(
        r"<!-- (\w+) -->\n.*?<!-- end -->",
        lambda found: f"<!-- {found[1]} -->\n\n{blocks[found[1]]}\n\n<!-- end -->",
        page,
        flags=re.DOTALL,
    )


def claims(measured: dict) -> list[list[str]]:
    """A row for each claim about speed: the claim, the rule, the numbers, the verdict."""
    listed = tomllib.loads((ROOT / "claims.toml").read_text(encoding="utf-8"))["claim"]
    says = {claim["id"]: claim["says"] for claim in listed}
    return [
        [f"{number}: {says[number]}", *rest]
        for name, data in measured.items()
        for number, *rest in EXPERIMENTS[name].claims(data)
    ]


def _run(results: dict) -> str:
    before, after = results["load_average"]
    rows = [
        ["date", results["date"]],
        ["plan", f"{results['plan']}, {results['minutes']:.1f} minutes"],
        *results["machine"].items(),
        ["load average", f"{before:.2f} before the run, {after:.2f} at its end"],
    ]
    return table(["", ""], [list(row) for row in rows]).replace("---:", "---")


def as_json(results: dict) -> str:
    """JSON with six significant digits, and each list of numbers in one line."""
    short = json.loads(json.dumps(results), parse_float=lambda text: float(f"{float(text):.6g}"))
    text = json.dumps(short, indent=1) + "\n"
    return re.sub(r"\[[^\[\]{}]*\]", lambda found: " ".join(found[0].split()), text)


def _draw(module: ModuleType, data: dict, file: Path) -> None:
    """Draw the plot of an experiment. The same data give the same bytes."""
    import matplotlib
    from matplotlib.figure import Figure

    settings = {"svg.hashsalt": "bench", "svg.fonttype": "none", "font.size": 9}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        module.plot(data, figure)
        figure.savefig(file, format="svg", metadata={"Date": None})
    # matplotlib ends some lines with a space, which git and editors dislike.
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")
