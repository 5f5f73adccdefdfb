"""Callbacks, @gen.coroutine, async and await: CPU time of one request (C58)."""

from __future__ import annotations

from bench.clients import Crowd, load, request
from bench.measure import BARE, Server, Used, chapter, in_turn
from bench.stats import below, difference, every, median, ratios, shown, table

TITLE = "Callbacks, coroutines, await"
ALT = "CPU time of a request in each of the three styles, with 1 step, 10 steps and a whole lookup"
STYLES = ["callback", "coroutine", "await"]
# Many short rounds: what disturbs one measurement disturbs its neighbours, too.
PLANS = {
    "full": {"rounds": 15, "seconds": 0.2, "steps": [1, 10]},
    "quick": {"rounds": 3, "seconds": 0.2, "steps": [10]},
}
SECONDS = {"full": 35, "quick": 6}
CLIENTS = 16
SAME = 1.1  # up to this ratio two styles perform equally well


async def measure(plan: dict, step) -> dict:
    """Returns {what is asked: {style: seconds of CPU time a request, round by round}}."""
    async with (
        Server(BARE, "--chapter=0") as small,
        Server(chapter(8), "--delay=0") as lookup,
        Crowd(small.url) as some,
        Crowd(lookup.url) as others,
    ):
        crowds = {small: await some.connect(CLIENTS), lookup: await others.connect(CLIENTS)}
        asked = [
            (f"{count} step{'s' * (count > 1)}", style, small, f"/{style}?steps={count}")
            for count in plan["steps"]
            for style in STYLES
        ]
        asked += [("lookup", style, lookup, f"/{style}?q=tornado") for style in STYLES]
        found: dict = {}
        for number in range(-1, plan["rounds"]):
            for what, style, server, path in in_turn(asked, number):
                step(f"{what} by {style}, round {number + 1}")
                async with Used(server) as used:
                    done = await load(
                        crowds[server], request(path), plan["seconds"] if number >= 0 else 0
                    )
                if number >= 0:  # the round before the first one warms up
                    found.setdefault(what, {}).setdefault(style, []).append(used.cpu / done)
    return found


def tables(data: dict) -> str:
    rows = []
    for what, styles in data.items():
        for style in STYLES:
            over = ratios(styles[style], styles["callback"])
            told = ["", ""] if style == "callback" else [shown(over), difference(over)]
            rows.append([f"{what}, {style}", shown(styles[style], 0, 1e6), *told])
    rounds = len(data["lookup"]["await"])
    head = ["what, style", "CPU a request, µs", "over callbacks", "CPU time"]
    return f"Rounds: {rounds}.\n\n{table(head, rows)}"


def claims(data: dict) -> list[list[str]]:
    verdicts, told = [], []
    for what, styles in data.items():
        over = ratios(styles["coroutine"], styles["callback"])
        verdicts.append(below(over, SAME))
        told.append(f"{what}: {shown(over)}")
    rule = f"`@gen.coroutine` takes less than {SAME:g} times the CPU time of callbacks, in each row"
    return [["C58", rule, "; ".join(told), every(verdicts)]]


def plot(data: dict, figure) -> None:
    for axes, (what, styles) in zip(
        figure.subplots(1, len(data), squeeze=False)[0], data.items(), strict=True
    ):
        middle = [median(cpu) * 1e6 for cpu in styles.values()]
        axes.bar(list(styles), middle, color=["C0", "C1", "C2"])
        axes.set(title=what, ylabel="CPU time a request, µs (median)")
