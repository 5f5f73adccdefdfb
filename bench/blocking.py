"""Blocking against async: so many lookups at once, over an upstream that takes its time (C43, C48, C50)."""

from __future__ import annotations

import time

from bench.clients import Herd, request
from bench.measure import Sampler, Server, chapter, median, shown, table

TITLE = "Blocking against async"
# (handler, requests at once, seconds that the upstream takes, rounds)
PLANS = {
    "full": [
        ("async", 10, 1.0, 3),
        ("async", 100, 1.0, 3),
        ("async", 1000, 1.0, 3),
        ("sync", 10, 1.0, 1),
        ("sync", 100, 0.05, 1),
        ("sync", 1000, 0.05, 1),
    ],
    "quick": [
        ("async", 10, 0.2, 1),
        ("async", 100, 0.2, 1),
        ("sync", 10, 0.1, 1),
        ("sync", 100, 0.01, 1),
    ],
    "tiny": [("async", 3, 0.05, 1), ("sync", 3, 0.05, 1)],
}
SECONDS = {"full": 100, "quick": 5, "tiny": 1}


def burst(port: int, path: str, count: int, seconds: float) -> float:
    """Connect so many clients, let them all ask at once, and return the seconds until the last has its answer.

    Raises TimeoutError after `seconds`, RuntimeError for an answer that is not 200.
    """
    with Herd(port) as herd:
        clients = herd.connect_many(count)
        started, missing = time.monotonic(), count
        for client in clients:
            herd.send(client, request(path))
        for _, status, body in herd.messages(seconds):
            if status != 200:
                raise RuntimeError(f"{path}: {status} {body!r:.200}")
            missing -= 1
            if not missing:
                return time.monotonic() - started
        raise TimeoutError(f"{missing} of {count} requests have no answer after {seconds} s")


def measure(plan, steps) -> dict:
    """Run the plan. Returns {"rows": one for each of its lines, with a list of seconds and one of CPU seconds}."""
    rows = []
    script = chapter(7)
    for handler, count, delay, rounds in plan:
        row = {"handler": handler, "count": count, "delay": delay}
        row |= {"seconds": [], "cpu": [], "upstream_cpu": []}
        ideal = delay if handler == "async" else count * delay
        with (
            Server(script.parent / "upstream.py", f"--delay={delay}") as upstream,
            Server(script, f"--api={upstream.url}") as server,
        ):
            for number in range(rounds):
                steps.step(f"{count} at /{handler}, round {number + 1} of {rounds}")
                with Sampler(server) as used, Sampler(upstream) as theirs:
                    seconds = burst(server.port, f"/{handler}?q=tornado", count, 30 + 3 * ideal)
                row["seconds"].append(seconds)
                row["cpu"].append(used.cpu)
                row["upstream_cpu"].append(theirs.cpu)
        rows.append(row)
    return {"rows": rows}


def ideal(row: dict) -> float:
    """The seconds that it takes if nothing but the upstream takes time."""
    return row["delay"] * (1 if row["handler"] == "async" else row["count"])


def report(data: dict) -> str:
    rows = [
        [
            f"`/{row['handler']}`",
            f"{row['count']:,}",
            f"{row['delay']:g} s",
            f"{ideal(row):g} s",
            shown(row["seconds"]),
            f"{median(row['seconds']) / ideal(row):.2f}",
            shown(row["cpu"]),
            shown(row["upstream_cpu"]),
        ]
        for row in data["rows"]
    ]
    head = ["handler", "requests at once", "upstream takes", "ideal", "measured, s", "of the ideal"]
    head += ["server's CPU, s", "stand-in's CPU, s"]
    largest = max(
        (row for row in data["rows"] if row["handler"] == "async"), key=lambda r: r["count"]
    )
    cpu = median(largest["cpu"])
    return f"""\
Chapter 7's script, and the stand-in for the timeline, each in a process. All clients are connected before the first one
asks. The ideal of `/async` is one delay, whatever the number of requests; that of `/sync` is one delay after the other.

{table(head, rows)}

`/async` stays near one delay as long as the processor has time: {largest["count"]:,} lookups cost the server
{cpu:.2f} s of CPU, {cpu / largest["count"] * 1000:.2f} ms each (to fetch, to parse 40 posts, to render), and one event
loop has one core. That, not the waiting, is what separates it from the ideal. `/sync` pays the whole delay for each
request, and whoever came last waits for all the others."""


def headlines(data: dict) -> list[str]:
    """What came out, a sentence for each claim."""
    rows = {(row["handler"], row["count"]): row for row in data["rows"]}
    said = []
    for (handler, count), row in rows.items():
        seconds = median(row["seconds"])
        said.append(
            f"{count:,} lookups at once at `/{handler}`, each {row['delay']:g} s: {seconds:.2f} s in all "
            f"(ideal: {ideal(row):g} s)."
        )
    return said


def plot(data: dict, figure) -> None:
    axes = figure.subplots()
    for handler, marker in (("sync", "s"), ("async", "o")):
        rows = [row for row in data["rows"] if row["handler"] == handler]
        counts = [row["count"] for row in rows]
        times = [median(row["seconds"]) / row["delay"] for row in rows]
        [line] = axes.loglog(counts, times, marker=marker, label=f"/{handler}")
        perfect = [ideal(row) / row["delay"] for row in rows]
        axes.loglog(counts, perfect, ":", color=line.get_color(), label=f"/{handler}, ideal")
    axes.set(xlabel="lookups at once", ylabel="time for all, in delays of the upstream")
    axes.legend()
