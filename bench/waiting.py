"""Clients that wait, and the time to tell all of them of a change, beside a bare loop over a set (C61)."""

from __future__ import annotations

import asyncio
import json

from bench.clients import LIMIT, Crowd, allow_connections, request
from bench.measure import BARE, Server, Used, chapter, in_turn
from bench.polling import STATUS, Shopper
from bench.stats import below, difference, median, ratios, shown, table, target

TITLE = "Clients that wait"
ALT = "Time until the last client knows of a change, and memory of all, over the number of clients"
WAYS = {"long poll": 9, "WebSocket": 10}  # and the chapter that serves it
# "sizes": clients -> rounds
PLANS = {
    "full": {"sizes": {10: 15, 100: 15, 1000: 15, 5000: 9}, "idle": 0.2},
    "quick": {"sizes": {100: 3}, "idle": 0.2},
}
SECONDS = {"full": 150, "quick": 6}
NO_CPU = 0.01  # of one core: what counts as none
TARGET = 1.3


class Waiting:
    """Clients that wait for a change, in one of the two ways."""

    def __init__(self, way: str, server: Server, crowd: Crowd):
        self.way, self.server, self.crowd = way, server, crowd

    async def begin(self, size: int) -> None:
        """Connect all, and let each know the state. `memory` is what each takes in the server."""
        self.shopper = Shopper(*await self.crowd.connect(1))
        await self.shopper.change()  # what the first request loads belongs to no client
        before = self.server.memory()
        if self.way == "WebSocket":
            self.clients = await self.crowd.connect(size, STATUS)
            await asyncio.gather(*(client.receive() for client in self.clients))
        else:
            self.clients = await self.crowd.connect(size)
            await self.ask()
        self.memory = (self.server.memory() - before) / size

    async def ask(self) -> None:
        """Send the long polls, and wait until the server has read them. A WebSocket waits anyway."""
        if self.way == "long poll":
            for client in self.clients:
                client.send(request(f"{STATUS}?version={self.shopper.version}"))
        await self.crowd.settle()

    async def idle(self, seconds: float) -> float:
        """The share of a core that the server uses while nothing happens."""
        await self.crowd.settle()
        async with Used(self.server) as used:
            await asyncio.sleep(seconds)
        return used.cpu / seconds

    async def tell(self) -> tuple[float, float]:
        """Make a change: the seconds until the last client knows it, the server's CPU time a client."""
        async with asyncio.timeout(LIMIT):
            async with Used(self.server) as used:
                hearing = [asyncio.create_task(client.receive()) for client in self.clients]
                await asyncio.sleep(0)
                changed = await self.shopper.change()
                messages = await asyncio.gather(*hearing)
            if any(json.loads(each.body)["version"] != self.shopper.version for each in messages):
                raise RuntimeError("a client was told of another version")
            await self.ask()
        return max(each.when for each in messages) - changed, used.cpu / len(messages)


async def measure(plan: dict, step) -> dict:
    """Returns {"rows": [{"way", "size", "memory", "idle", "last", "cpu", "bare_last", "bare_cpu"}]}."""
    room = allow_connections(20_000) / 2 - 100  # this process has a client and its counterpart
    rows = [
        await _row(way, size, rounds, plan["idle"], step)
        for size, rounds in plan["sizes"].items()
        for way in WAYS
        if size <= room
    ]
    return {"rows": rows}


async def _row(way: str, size: int, rounds: int, seconds: float, step) -> dict:
    step(f"{size:,} by {way} come")
    row: dict = {"way": way, "size": size, "rounds": rounds}
    async with (
        Server(chapter(WAYS[way])) as server,
        Server(BARE, f"--chapter={WAYS[way]}") as bare,
        Crowd(server.url) as crowd,
        Crowd(bare.url) as bare_crowd,
    ):
        both = [("", Waiting(way, server, crowd)), ("bare_", Waiting(way, bare, bare_crowd))]
        for name, waiting in both:
            await waiting.begin(size)
            row |= {f"{name}memory": waiting.memory}
            row |= {f"{name}{what}": [] for what in ("idle", "last", "cpu")}
        for number in range(-1, rounds):
            step(f"{size:,} by {way}, round {number + 1}")
            for name, waiting in in_turn(both, number):
                idle = await waiting.idle(seconds)
                last, cpu = await waiting.tell()
                if number >= 0:  # the round before the first one warms up
                    row[f"{name}idle"].append(idle)
                    row[f"{name}last"].append(last)
                    row[f"{name}cpu"].append(cpu)
    return row


def tables(data: dict) -> str:
    waits, tells = [], []
    for row in data["rows"]:
        who = [row["way"], f"{row['size']:,}"]
        memory = [f"{row[f'{name}memory'] / 1024:.1f}" for name in ("", "bare_")]
        waits.append([*who, f"{median(row['idle']) * 100:.2f}", *memory])
        last = [f"{median(row[f'{name}last']) * 1000:,.1f}" for name in ("", "bare_")]
        over = ratios(row["last"], row["bare_last"])
        verdict = [shown(over), difference(over), *target(over, TARGET)]
        cpu = shown(ratios(row["cpu"], row["bare_cpu"]))
        tells.append([*who, *last, *verdict, cpu, str(row["rounds"])])
    head = ["way", "clients", "CPU, % of a core", "KiB each", "KiB each, bare"]
    told = ["way", "clients", "last one told, ms", "bare, ms", "over bare", "time", "at most"]
    told += ["target", "CPU over bare", "rounds"]
    return f"While they wait:\n\n{table(head, waits)}\n\nOne change:\n\n{table(told, tells)}"


def claims(data: dict) -> list[list[str]]:
    row = [row for row in data["rows"] if row["way"] == "long poll"][-1]
    size, memory = f"{row['size']:,}", f"{row['memory'] / 1024:.0f} KiB of memory each"
    rule = f"the server of {size} waiting long polls uses less than {NO_CPU:.0%} of a core"
    told = f"{shown(row['idle'], 2, 100)} % of a core, {memory}"
    return [["C61", rule, told, below(row["idle"], NO_CPU)]]


def plot(data: dict, figure) -> None:
    left, right = figure.subplots(1, 2)
    for way, color in zip(WAYS, ("C0", "C1"), strict=True):
        rows = [row for row in data["rows"] if row["way"] == way]
        sizes = [row["size"] for row in rows]
        for name, style in (("", "o-"), ("bare_", "s:")):
            label = f"{way}, bare" if name else f"{way}, chapter {WAYS[way]}"
            last = [median(row[f"{name}last"]) * 1000 for row in rows]
            memory = [max(0, row[f"{name}memory"]) * row["size"] / 2**20 for row in rows]
            left.loglog(sizes, last, style, color=color, label=label)
            right.plot(sizes, memory, style, color=color, label=label)
    left.set(xlabel="clients", ylabel="until the last one is told, ms")
    right.set(xlabel="clients", ylabel="memory for all of them, MiB")
    left.legend()
