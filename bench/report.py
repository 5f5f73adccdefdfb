"""results.md and its plots, made of the numbers in results.json."""

from __future__ import annotations

import importlib
import json
import textwrap
from pathlib import Path
from types import ModuleType

from bench.measure import is_noise, median, ratios

# In the order of the page. Each is a module: TITLE, PLANS, SECONDS, measure, report, headlines, plot.
EXPERIMENTS = [
    "blocking",
    "callbacks",
    "polling",
    "waiting",
    "fanout",
    "chapters",
    "frameworks",
    "beyond",
]
WIDTH = 110
ALT = {
    "blocking": "Total time over the number of lookups at once: async stays flat, sync rises in a line",
    "callbacks": "CPU time a request for callbacks, coroutines and await, side by side",
    "polling": "Requests, bytes, CPU and delay of four ways to learn of a change",
    "waiting": "CPU and memory over the number of waiting clients",
    "fanout": "Time until the last client is told, over the number of clients",
    "chapters": "CPU time of each chapter over that of a bare handler",
    "frameworks": "CPU time a request of Tornado, aiohttp and Starlette, on two event loops",
    "beyond": "uvloop beside asyncio; throughput and blocking by number of processes",
}


def experiment(name: str) -> ModuleType:
    """The module of an experiment; imported only now, since it needs the bench group."""
    return importlib.import_module(f"bench.{name}")


def write(results: dict, folder: Path) -> Path:
    """Write results.json, results.md and a plot for each experiment to `folder`. Returns the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    results = _short(results)  # the page says what results.json says, to the last digit
    text = json.dumps(results, indent=1) + "\n"
    (folder / "results.json").write_text(text, encoding="utf-8")
    for name, data in results["experiments"].items():
        draw(name, data, folder / f"{name}.svg")
    page = folder / "results.md"
    page.write_text(page_of(results), encoding="utf-8")
    return page


def draw(name: str, data: dict, file: Path) -> None:
    """The plot of an experiment. The same data give the same bytes."""
    import matplotlib
    from matplotlib.figure import Figure

    settings = {"svg.hashsalt": "bench", "svg.fonttype": "none", "font.size": 9}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        experiment(name).plot(data, figure)
        figure.savefig(file, format="svg", metadata={"Date": None})
    # matplotlib ends some lines with a blank, which git and editors dislike.
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")


def page_of(results: dict) -> str:
    """The text of results.md."""
    measured = results["experiments"]
    parts = ["# What the notes claim about speed, measured", _preface(results)]
    claims = _claims(measured)
    if claims:
        parts += ["## The claims", "\n".join(f"- {claim}" for claim in claims)]
    for name, data in measured.items():
        module = experiment(name)
        parts += [f"## {module.TITLE}", module.report(data), f"![{ALT[name]}]({name}.svg)"]
    return "\n\n".join(_flow(part) for part in parts) + "\n"


def _preface(results: dict) -> str:
    machine = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    before, after = results["load_average"]
    busy = ""
    if before > 1:
        busy = (
            " **The machine was busy with other work during this run**, as the load average before it says: requests "
            "a second and delays are worse than on a quiet one, and the spread is wider."
        )
    kind = (
        ""
        if results["plan"] == "full"
        else " A quick run: few samples, so take the numbers for a hint."
    )
    return f"""\
Measured by the experiments of `make bench` on {results["date"]}, in {results["minutes"]:.1f} minutes.{kind} `make bench QUICK=1` gives a first
impression in under a minute, and writes it to `work/bench/`.

| | |
|---|---|
| processor | {machine["processor"]}, {machine["cores"]} cores |
| memory, system | {machine["memory_gb"]} GB, {machine["system"]} |
| Python | {machine["python"]} |
| packages | {versions} |
| load on HTTP by | {results["generator"]} |
| load average | {before:.2f} before; {after:.2f} at the end, when this run is a part of it |

Servers, upstreams and clients share the machine's {machine["cores"]} cores, and talk over loopback. So requests a second and
delays depend on who else wants a core; CPU time depends on it less. Read the ratios, not the numbers: both sides of a
ratio come from the same run, turn by turn. A number is a median, with the least and the greatest of its samples in
brackets where there are several. Where more than one round in seven disagrees with the others on which of two is more, the
difference is noise, and is called so. Three rounds also agree by chance, in one case of four: the callbacks, with
fifteen, are the only ones of whose ratios one can be surer. On a virtual machine, differences of less than about 5% are best taken for noise, too.{busy}"""


def _claims(measured: dict) -> list[str]:
    """For each claim about speed: what was measured, and whether it bears the claim out."""
    said = []
    if "blocking" in measured:
        said += _on_blocking(measured["blocking"])
    if "callbacks" in measured:
        said += _on_callbacks(measured["callbacks"])
    if "polling" in measured:
        said += _on_polling(measured["polling"])
    if "waiting" in measured:
        said += _on_waiting(measured["waiting"])
    return said


def _borne_out(so: bool) -> str:
    return "borne out" if so else "**not borne out**"


def _on_blocking(data: dict) -> list[str]:
    def rows(handler):
        return [row for row in data["rows"] if row["handler"] == handler]

    def says(row):
        return f"{row['count']:,} lookups of {row['delay']:g} s at once took {median(row['seconds']):.2f} s"

    def in_turn(row):
        """The part that it took of the time of one lookup after the other."""
        return median(row["seconds"]) / (row["count"] * row["delay"])

    few = rows("async")[: 2 if len(rows("async")) > 1 else 1][-1]
    largest, slow = rows("async")[-1], rows("sync")[0]
    return [
        f"C43, the loop serves others meanwhile: {_borne_out(in_turn(few) < 0.5)}. {says(few)} in one process.",
        f"C48, one request at a time when synchronous: {_borne_out(in_turn(slow) >= 1)}. {says(slow)}.",
        f"C50, AsyncHTTPClient is asynchronous: {_borne_out(in_turn(largest) < 0.1)}. {says(largest)}, not "
        f"{largest['count'] * largest['delay']:,.0f} s; the rest is CPU time, and waiting for a core.",
    ]


def _on_callbacks(data: dict) -> list[str]:
    found = experiment("callbacks").compared(data)
    told, dearer = [], False
    for what, styles in found.items():
        if "callback" in styles:
            over = {s: ratios(styles[s], styles["callback"]) for s in ("coroutine", "await")}
            told.append(f"{what}: {median(over['coroutine']):.2f} and {median(over['await']):.2f}")
            dearer = dearer or (median(over["coroutine"]) > 1 and not is_noise(over["coroutine"]))
    if not told:
        return []
    return [
        f"C58, gen performs like callbacks: {'in part' if dearer else 'borne out'}. As many requests "
        "run at once: the first table says so of `await`, chapter 8 of all. CPU time of `@gen.coroutine` "
        f"and of `await`, over callbacks: {'; '.join(told)}. See below which of it is noise."
    ]


def _on_polling(data: dict) -> list[str]:
    rows = {row["way"]: row for row in data["rows"]}
    often, once, waiting = (rows[way] for way in list(rows)[:3])
    times = [median(row["cpu"]) / median(waiting["cpu"]) for row in (often, once)]
    return [
        f"C60, long polling greatly cuts the load: {_borne_out(min(times) > 2)} against frequent short polling, "
        f"which takes {times[0]:.1f} times its CPU every 250 ms and {times[1]:.1f} times every second "
        f"({median(often['requests']):.0f}, {median(once['requests']):.0f} and "
        f"{median(waiting['requests']):.0f} requests). A WebSocket takes "
        f"{median(rows['WebSocket']['cpu']) / median(waiting['cpu']):.2f} of a long poll's."
    ]


def _on_waiting(data: dict) -> list[str]:
    last = [row for row in data["rows"] if row["way"] == "long poll"][-1]
    return [
        f"C61, a waiting connection costs no CPU: {_borne_out(last['cpu'] < 0.01 * last['seconds'])}. {last['size']:,} waiting long polls took "
        f"{last['cpu'] * 1000:.1f} ms of CPU in {last['seconds']:.0f} s. But each holds {last['memory'] / 1024:.0f} KiB "
        "of memory and an open file."
    ]


def _flow(text: str) -> str:
    """Paragraphs with lines of one width; tables, headings and pictures as they are."""
    blocks = []
    for block in text.strip().split("\n\n"):
        if block.startswith("- "):
            items = block[2:].split("\n- ")
            filled = [_fill(f"- {' '.join(item.split())}", "  ") for item in items]
            blocks.append("\n".join(filled))
        elif block.startswith(("|", "#", "![")):
            blocks.append(block)
        else:
            blocks.append(_fill(" ".join(block.split()), ""))
    return "\n\n".join(blocks)


def _fill(text: str, indent: str) -> str:
    return textwrap.fill(
        text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _short(value):
    """The same with floats of six significant digits: enough, and it can be read."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_short(item) for item in value]
    return value
