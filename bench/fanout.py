"""Fan-out: from one change to the last of N clients told (chapters 9 and 10, and what they are held against)."""

from __future__ import annotations

import itertools
import time
from contextlib import AbstractContextManager

from bench.clients import Herd, request
from bench.measure import SERVERS, Sampler, Server, chapter, median, shown, table
from bench.polling import Shop

TITLE = "Fan-out"
PLANS = {
    "full": {"sizes": [100, 1000, 5000], "changes": 3},
    "quick": {"sizes": [200], "changes": 1},
    "tiny": {
        "sizes": [10],
        "changes": 1,
        "ways": ["chapter 10, WebSocket", "websockets, broadcast"],
    },
}
SECONDS = {"full": 80, "quick": 8, "tiny": 4}
PATIENCE = 30  # seconds for one change to reach all


def tell(herd: Herd, clients: list, change) -> list[float]:
    """Make one change; return the seconds until each client had it, in their order.

    Raises TimeoutError if one has not got it after PATIENCE seconds.
    """
    waiting = {client.number for client in clients}
    started, delays = change(), []
    deadline = started + PATIENCE
    while waiting:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(waiting)} clients were not told")
        for client, _, _ in herd.poll(0.1):
            if client.number in waiting:
                waiting.remove(client.number)
                delays.append(time.monotonic() - started)
    return delays


def measure(plan, steps) -> dict:
    """Run the plan. Returns {"rows": [{"way", "size", "first", "last", "cpu": a list each}]}."""
    rows = []
    for way in plan.get("ways", WAYS):
        script, sockets, changer = WAYS[way]
        file = chapter(script) if isinstance(script, int) else script
        with Server(file) as server, Herd(server.port) as herd, changer(server.port) as shop:
            clients, versions = [], itertools.count()
            for size in plan["sizes"]:
                steps.step(f"{size}, {way}")
                if sockets:
                    clients += herd.open_websockets("/cart/status", size - len(clients))
                else:
                    clients += herd.connect_many(size - len(clients))
                row = {"way": way, "size": size, "first": [], "middle": [], "last": [], "cpu": []}
                for change in range(plan["changes"] + 1):
                    version = next(versions)
                    if not sockets:
                        _ask_all(herd, clients, version)
                    _settle(herd, server)
                    with Sampler(server) as used:
                        delays = tell(herd, clients, shop.change)
                        time.sleep(0.02)  # what the server does after the last byte costs, too
                    if change:  # the first one warms up
                        row["first"].append(delays[0])
                        row["middle"].append(median(delays))
                        row["last"].append(delays[-1])
                        row["cpu"].append(used.cpu)
                rows.append(row)
    return {"rows": sorted(rows, key=lambda row: row["size"])}


class Asker(AbstractContextManager):
    """Makes the change by a GET, where there is no shop; each over a connection of its own."""

    def __init__(self, port: int):
        self.herd = Herd(port)

    def __exit__(self, *error):
        self.herd.__exit__(*error)

    def change(self) -> float:
        client = self.herd.connect()
        now = time.monotonic()
        self.herd.send(client, request("/cart"))
        return now


# what -> (script or number of a chapter, uses WebSockets, who makes the changes)
WAYS = {
    "chapter 10, WebSocket": (10, True, Shop),
    "bare Tornado, WebSocket": (SERVERS / "bare_push.py", True, Shop),
    "websockets, broadcast": (SERVERS / "broadcast.py", True, Asker),
    "chapter 9, long poll": (9, False, Shop),
    "bare Tornado, long poll": (SERVERS / "bare_poll.py", False, Shop),
}


def _ask_all(herd: Herd, clients: list, version: int) -> None:
    for client in clients:
        herd.send(client, request(f"/cart/status?version={version}"))


def _settle(herd: Herd, server: Server) -> None:
    """Wait until the server has nothing to do: every client waits, and every first message is read."""
    deadline, quiet = time.monotonic() + PATIENCE, 0
    while time.monotonic() < deadline:
        with Sampler(server) as used:
            messages = sum(1 for _ in herd.messages(0.08))
        quiet = 0 if messages or used.cpu > 0.002 else quiet + 1
        if quiet == 2:
            return
    raise TimeoutError(f"the server is not at rest after {PATIENCE} s")


def _ways(data: dict) -> list[str]:
    return list(dict.fromkeys(row["way"] for row in data["rows"]))


def _row(data: dict, way: str, size: int) -> dict:
    return next(row for row in data["rows"] if (row["way"], row["size"]) == (way, size))


def report(data: dict) -> str:
    rows = [
        [
            row["way"],
            f"{row['size']:,}",
            shown(row["first"], 1, 1000),
            shown(row["middle"], 1, 1000),
            shown(row["last"], 1, 1000),
            f"{median(row['cpu']) / row['size'] * 1e6:,.0f}",
        ]
        for row in data["rows"]
    ]
    head = ["way", "clients", "first told, ms", "middle", "last", "CPU a client, µs"]
    return f"""\
One change, and N clients that wait for it, over loopback. The time runs from sending the change to a client having its
message; "first told" is what the change itself takes. The bare handlers keep a set, and write to each in a loop. The
library's broadcast makes the frame once, and writes the same bytes to each.

{table(head, rows)}

All grow in step with N. Chapter 10 takes more CPU a client than the bare set of sockets, for it has a task for each
client, which is woken, makes its own copy of the state and waits until its message is on its way. That buys that a client who
reads slowly holds up nobody, and gets the newest state and not every one in between; the bare handler keeps all that it has
not taken, in memory. The library is faster than both: one frame for all, and no task woken. The client of this measurement is one thread that reads all sockets; at 5,000 it takes a part of the
second core, the same part for all. The long polls ask again after each change, which is not in the time, though a server
pays for it, too."""


def headlines(data: dict) -> list[str]:
    sizes = sorted({row["size"] for row in data["rows"]})
    said = []
    for size in sizes:
        last = {way: median(_row(data, way, size)["last"]) * 1000 for way in _ways(data)}
        said.append(
            f"From a change to the last of {size:,} clients: "
            + ", ".join(f"{way} {value:,.0f} ms" for way, value in last.items())
            + "."
        )
    return said


def plot(data: dict, figure) -> None:
    axes = figure.subplots()
    sizes = sorted({row["size"] for row in data["rows"]})
    for way, style in zip(_ways(data), ["o-", "o--", "o:", "s-", "s--"], strict=False):
        rows = [_row(data, way, size) for size in sizes]
        axes.plot(sizes, [median(row["last"]) * 1000 for row in rows], style, label=way)
    axes.set(xlabel="clients", ylabel="until the last one is told, ms", ylim=(0, None))
    axes.legend()
