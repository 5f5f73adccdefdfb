"""Blocking against async: many lookups at the same time in chapter 7 (C43, C48, C50)."""

from __future__ import annotations

import asyncio
import time

from bench.clients import LIMIT, Crowd, request
from bench.measure import Server, Used, chapter
from bench.stats import above, below, median, ratios, shown, table

TITLE = "Blocking against async"
ALT = "Time until all lookups are answered, over their number, for both handlers; logarithmic axes"
# (handler, lookups at the same time, rounds); "delay": the seconds that each lookup takes
ALL = [("async", 10, 8), ("sync", 10, 8), ("async", 100, 8), ("async", 1000, 3), ("sync", 40, 1)]
FEW = [("async", 10, 1), ("sync", 10, 1), ("async", 100, 1)]
PLANS = {"full": {"delay": 0.5, "rows": ALL}, "quick": {"delay": 0.2, "rows": FEW}}
SECONDS = {"full": 85, "quick": 4}


async def burst(url: str, path: str, count: int, seconds: float) -> float:
    """Connect the clients, let each ask once, all at the same time; the seconds until the last response."""
    async with Crowd(url) as crowd:
        clients = await crowd.connect(count)
        started = time.perf_counter()
        async with asyncio.timeout(seconds + LIMIT):
            found = await asyncio.gather(*(client.ask(request(path)) for client in clients))
        if bad := [response for response in found if response.code != 200]:
            raise RuntimeError(f"{path}: {bad[0].code} {bad[0].body!r:.200}")
        return max(response.when for response in found) - started


async def measure(plan: dict, step) -> dict:
    """Returns the delay and {"rows": [{"handler", "count", "seconds" and "cpu": round by round}]}."""
    delay = plan["delay"]
    rows = [
        {"handler": handler, "count": count, "rounds": rounds, "seconds": [], "cpu": []}
        for handler, count, rounds in plan["rows"]
    ]
    async with Server(chapter(7), f"--delay={delay}") as server:
        await burst(server.url, "/async?q=tornado", 1, delay)  # the first one loads the template
        for number in range(max(row["rounds"] for row in rows)):
            for row in rows:
                if number < row["rounds"]:
                    handler, count = row["handler"], row["count"]
                    step(f"{count} at /{handler}, round {number + 1}")
                    async with Used(server) as used:
                        took = await burst(
                            server.url, f"/{handler}?q=tornado", count, count * delay
                        )
                    row["seconds"].append(took)
                    row["cpu"].append(used.cpu)
    return {"delay": delay, "rows": rows}


def tables(data: dict) -> str:
    rows = []
    for row in data["rows"]:
        cells = [f"`/{row['handler']}`", f"{row['count']:,}", f"{_ideal(row, data['delay']):g}"]
        each = [cpu / row["count"] for cpu in row["cpu"]]
        rows.append([*cells, shown(row["seconds"]), shown(each, 2, 1000), str(row["rounds"])])
    head = ["handler", "lookups", "ideal, s", "measured, s", "server's CPU a lookup, ms", "rounds"]
    return f"The timeline takes {data['delay']:g} s to respond.\n\n{table(head, rows)}"


def claims(data: dict) -> list[list[str]]:
    rows = {(row["handler"], row["count"]): row["seconds"] for row in data["rows"]}
    few, many = 10, 100
    times = ratios(rows["sync", few], rows["async", few])
    in_turn = [seconds / (few * data["delay"]) for seconds in rows["sync", few]]
    share = [seconds / (many * data["delay"]) for seconds in rows["async", many]]
    first = f"`/sync` takes more than twice the time of `/async` for {few} lookups"
    second = f"{few} lookups at `/sync` take at least {few} delays"
    third = f"{many} lookups at `/async` take less than a tenth of {many} delays"
    return [
        ["C43", first, f"{shown(times, 1)} times", above(times, 2)],
        ["C48", second, f"{shown(in_turn)} of {few} delays", above(in_turn, 1)],
        ["C50", third, f"{shown(share, 3)} of {many} delays", below(share, 0.1)],
    ]


def plot(data: dict, figure) -> None:
    axes = figure.subplots()
    for (handler, marker), color in zip((("sync", "s"), ("async", "o")), ("C1", "C0"), strict=True):
        rows = [row for row in data["rows"] if row["handler"] == handler]
        rows.sort(key=lambda row: row["count"])
        counts = [row["count"] for row in rows]
        seconds = [median(row["seconds"]) for row in rows]
        axes.loglog(counts, seconds, marker=marker, color=color, label=f"/{handler}")
        ideal = [_ideal(row, data["delay"]) for row in rows]
        axes.loglog(counts, ideal, ":", color=color, label=f"/{handler}, ideal")
    axes.set(xlabel="lookups at the same time", ylabel="seconds until the last response")
    axes.legend()


def _ideal(row: dict, delay: float) -> float:
    """The seconds if nothing but the timeline took time."""
    return delay * (1 if row["handler"] == "async" else row["count"])
