"""Chapter 1's answer by Tornado, aiohttp, and Starlette on uvicorn; each on asyncio's loop and on uvloop."""

from __future__ import annotations

from contextlib import ExitStack

from bench.load import load
from bench.measure import SERVERS, Sampler, Server, chapter, median, ratios, shown, table

TITLE = "Other frameworks"
PLANS = {
    "full": {"rounds": 4, "seconds": 1},
    "quick": {"rounds": 1, "seconds": 1, "loops": ["asyncio"]},
    "tiny": {"rounds": 1, "seconds": 0.2, "loops": ["asyncio"], "names": ["Tornado"]},
}
SECONDS = {"full": 28, "quick": 4, "tiny": 2}
PATH = "/?greeting=Salutations"
SCRIPTS = {
    "Tornado": 1,
    "aiohttp": SERVERS / "hello_aiohttp.py",
    "Starlette, uvicorn": SERVERS / "hello_starlette.py",
}


def measure(plan, steps) -> dict:
    """Run the plan. Returns {"rows": [{"name", "loop", "rate", "cpu", "p50", "p99": a list each}]}."""
    rows = []
    with ExitStack() as stack:
        for name in plan.get("names", SCRIPTS):
            script = SCRIPTS[name]
            for loop in plan.get("loops", ["asyncio", "uvloop"]):
                file = chapter(script) if isinstance(script, int) else script
                server = stack.enter_context(Server(file, uvloop=loop == "uvloop"))
                row = {"name": name, "loop": loop, "rate": [], "cpu": [], "p50": [], "p99": []}
                rows.append((server, row))
        for number in range(plan["rounds"]):
            for server, row in rows if number % 2 == 0 else reversed(rows):
                steps.step(f"{row['name']} on {row['loop']}, round {number + 1}")
                with Sampler(server) as used:
                    done = load(server.url + PATH, plan["seconds"])
                row["rate"].append(done.rate)
                row["cpu"].append(used.cpu / done.requests)
                row["p50"].append(done.p50)
                row["p99"].append(done.p99)
    return {"rows": [row for _, row in rows]}


def report(data: dict) -> str:
    least = data["rows"][0]
    rows = [
        [
            f"{row['name']}, {row['loop']}",
            shown(row["rate"], 0),
            shown(row["cpu"], 0, 1e6),
            shown(ratios(row["cpu"], least["cpu"])),
            f"{median(row['p50']) * 1000:.1f}",
            f"{median(row['p99']) * 1000:.1f}",
        ]
        for row in data["rows"]
    ]
    others = [median(row["cpu"]) for row in data["rows"] if row["name"] != "Tornado"]
    gap = ""
    if others:
        between = (median(least["cpu"]) - min(others)) * 1e6
        gap = f"Between it and the fastest lie {between:.0f} µs of CPU. "
    head = [
        "framework, loop",
        "requests a second",
        "CPU a request, µs",
        "over Tornado's",
        "p50, ms",
    ]
    return f"""\
For the reader's interest: chapter 1's answer, one process each, 16 connections that ask as fast as they are answered, no log
of requests. The servers take turns, and the order turns round in each round.

{table([*head, "p99, ms"], rows)}

What the numbers do not say. aiohttp and httptools parse HTTP in compiled code, Tornado does it in Python. {gap}That is
for each request, whatever its handler does: beside a handler that asks a database or another server it is soon the smaller
part (see the chapters above). The latencies are those of a full server, where a request mostly waits for its turn. And
nothing here says what a framework brings along: Tornado has an HTTP client, WebSockets, templates and signed cookies in the
same package; the others leave some of that to further packages, and have more of them to choose from."""


def headlines(data: dict) -> list[str]:
    least = data["rows"][0]
    said = [
        f"{row['name']} on {row['loop']}: {median(row['rate']):,.0f} requests a second, "
        f"{median(ratios(row['cpu'], least['cpu'])):.2f} of the CPU of Tornado on asyncio"
        for row in data["rows"]
    ]
    return ["Chapter 1's answer. " + "; ".join(said) + "."]


def plot(data: dict, figure) -> None:
    axes = figure.subplots()
    rows = data["rows"]
    names = [f"{row['name']}, {row['loop']}" for row in rows]
    middle = [median(row["cpu"]) * 1e6 for row in rows]
    spread = [
        [m - min(row["cpu"]) * 1e6 for m, row in zip(middle, rows, strict=True)],
        [max(row["cpu"]) * 1e6 - m for m, row in zip(middle, rows, strict=True)],
    ]
    axes.barh(names, middle, xerr=spread, capsize=4, color=[f"C{n // 2}" for n in range(len(rows))])
    axes.invert_yaxis()
    axes.set(xlabel="CPU a request, µs")
