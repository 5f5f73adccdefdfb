"""Callbacks, @gen.coroutine, async and await: CPU time a request, for 1 and for 10 steps (C58)."""

from __future__ import annotations

from bench.load import load
from bench.measure import SERVERS, Sampler, Server, chapter, is_noise, median, ratios, shown, table

TITLE = "Callbacks, coroutines, await"
STYLES = ["callback", "coroutine", "await"]
STEPS = [1, 10]
PLANS = {
    # Many short rounds: what disturbs one of them disturbs its neighbours less.
    "full": {"rounds": 15, "seconds": 0.2},
    "quick": {"rounds": 3, "seconds": 0.2, "steps": [10]},
    "tiny": {"rounds": 1, "seconds": 0.2, "steps": [1], "styles": ["await"]},
}
SECONDS = {"full": 35, "quick": 5, "tiny": 2}


def measure(plan, steps) -> dict:
    """Run the plan. Returns {"rows": [{"what", "style", "cpu": seconds of CPU a request, round by round}]}."""
    styles = plan.get("styles", STYLES)
    stand_in = chapter(7).parent / "upstream.py"
    with (
        Server(SERVERS / "steps.py") as small,
        Server(SERVERS / "canned.py", f"--stand-in={stand_in}") as upstream,
        Server(chapter(8), f"--api={upstream.url}") as lookup,
    ):
        asked = [
            (f"{count} step{'s' * (count > 1)}", style, small, f"/{style}?steps={count}")
            for count in plan.get("steps", STEPS)
            for style in styles
        ]
        asked += [
            ("a lookup of chapter 8", style, lookup, f"/{style}?q=tornado") for style in styles
        ]
        rows = {(what, style): [] for what, style, _, _ in asked}
        for number in range(plan["rounds"]):
            for what, style, server, path in asked if number % 2 == 0 else reversed(asked):
                steps.step(f"{style}, {what}, round {number + 1}")
                with Sampler(server) as used:
                    done = load(server.url + path, plan["seconds"])
                rows[what, style].append(used.cpu / done.requests)
    return {
        "rows": [{"what": what, "style": style, "cpu": cpu} for (what, style), cpu in rows.items()]
    }


def compared(data: dict) -> dict[str, dict[str, list[float]]]:
    """What was asked -> style -> CPU a request, round by round."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in data["rows"]:
        found.setdefault(row["what"], {})[row["style"]] = row["cpu"]
    return found


def report(data: dict) -> str:
    rows = []
    for what, styles in compared(data).items():
        for style, cpu in styles.items():
            over = ratios(cpu, styles.get("callback", cpu))
            told = shown(over) + (" noise" if is_noise(over) else "")
            told = "the measure" if style == "callback" else told
            rows.append([f"{what}, {style}", shown(cpu, 0, 1e6), told])
    return f"""\
A step is the least thing to wait for: a Future that is done in the loop's next turn. Below it is chapter 8's lookup, in
its three handlers, over an upstream that answers at once. CPU time is the server's, divided by the requests; the styles
take turns within each round, and the ratio is taken round by round.

{table(["what is asked, style", "CPU a request, µs", "over the callbacks"], rows)}

{" ".join(_said(data))}"""


def _said(data: dict) -> list[str]:
    found = compared(data)
    said = []
    if {"1 step", "10 steps"} <= set(found):
        each = {
            style: [(ten - one) / 9 for one, ten in zip(cpu, found["10 steps"][style], strict=True)]
            for style, cpu in found["1 step"].items()
        }
        steps = ", ".join(f"{median(each[style]) * 1e6:.1f} µs as {style}" for style in each)
        said.append(f"From the second one on, a step costs {steps} (medians over the rounds).")
    return said


def headlines(data: dict) -> list[str]:
    said = []
    for what, styles in compared(data).items():
        if "callback" in styles:
            over = {
                style: median(ratios(styles[style], styles["callback"])) for style in STYLES[1:]
            }
            said.append(
                f"CPU for {what}, over callbacks: `@gen.coroutine` {over['coroutine']:.2f}, "
                f"`async`/`await` {over['await']:.2f}."
            )
    return [*said, *_said(data)]


def plot(data: dict, figure) -> None:
    found = compared(data)
    for axes, (what, styles) in zip(
        figure.subplots(1, len(found), squeeze=False)[0], found.items(), strict=True
    ):
        middle = [median(cpu) * 1e6 for cpu in styles.values()]
        below = [m - min(cpu) * 1e6 for m, cpu in zip(middle, styles.values(), strict=True)]
        above = [max(cpu) * 1e6 - m for m, cpu in zip(middle, styles.values(), strict=True)]
        axes.bar(
            list(styles),
            middle,
            yerr=[below, above],
            color=["C0", "C1", "C2"][: len(styles)],
            capsize=4,
        )
        axes.set(title=what, ylabel="CPU a request, µs")
