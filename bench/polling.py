"""Short polling, long polling, WebSocket: what clients cost while little happens (C60)."""

from __future__ import annotations

import asyncio
import json
import math
import re
import time

from bench.clients import Client, Crowd, Message, request
from bench.measure import Server, Used, chapter, in_turn
from bench.stats import above, every, median, ratios, shown, table

TITLE = "Short polling, long polling, WebSocket"
ALT = "Requests, bytes, CPU time and delay of four ways to learn of a change, as bars"
# way -> (chapter, seconds between two requests of a client)
WAYS = {
    "polling every 250 ms": (9, 0.25),
    "polling every 1 s": (9, 1.0),
    "long polling": (9, 0),
    "WebSocket": (10, 0),
}
PLANS = {
    "full": {"clients": 20, "seconds": 3.0, "rounds": 8},
    "quick": {"clients": 20, "seconds": 1.5, "rounds": 1},
}
SECONDS = {"full": 105, "quick": 8}
STATUS = "/cart/status"
GREATLY = 2  # what "very much" in the claim means: less than half

# The headers that a browser sends with each request of a page, in about as many bytes.
BROWSER = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0\r\n"
    "Accept: */*\r\n"
    "Accept-Language: en-GB,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    f"Cookie: session={'x' * 100}\r\n"
)


def status(version: int) -> bytes:
    """A request for the state; it waits while the state has this version."""
    return request(f"{STATUS}?version={version}", BROWSER)


class Shopper:
    """Puts the book into the cart and takes it out again. `version` is that of the last change."""

    def __init__(self, client: Client):
        self.client, self.cookie, self.added, self.version = client, "", False, 0

    async def change(self) -> float:
        """Change the stock; returns the time when the request was sent."""
        self.added = not self.added
        form = f"action={'add' if self.added else 'remove'}"
        started = time.perf_counter()
        response = await self.client.ask(request("/cart", self.cookie, form))
        if response.code != 200:
            raise RuntimeError(f"POST /cart: status {response.code} {response.body!r:.200}")
        if session := re.search(rb"(?i)set-cookie: ([^;]+)", response.head):
            self.cookie = f"Cookie: {session[1].decode()}\r\n"
        self.version = json.loads(response.body)["version"]
        return started


async def visit(way: str, client: Client, offset: float, version: int, told) -> None:
    """What a client does until it is cancelled. A short poll asks for any state but one that is gone."""
    every = WAYS[way][1]
    while True:
        await asyncio.sleep(offset)
        if way == "WebSocket":
            message = await client.receive()
        else:
            message = await client.ask(status(version - 1 if every else version))
        version, offset = told(client, message), every


async def watch(way: str, crowd: Crowd, plan: dict, shopper: Shopper, wait: float) -> dict:
    """Let the clients learn of a change that comes after `wait` seconds: what it took, and the delays."""
    old, knew, count = shopper.version, {}, plan["clients"]

    def told(client: Client, message: Message) -> int:
        version = json.loads(message.body)["version"]
        if version != old:
            knew.setdefault(client, message.when)
        return version

    clients = await crowd.connect(count, *((STATUS, BROWSER) if way == "WebSocket" else ()))
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(visit(way, client, WAYS[way][1] * number / count, old, told))
            for number, client in enumerate(clients)
        ]
        await asyncio.sleep(wait)
        changed = await shopper.change()
        await asyncio.sleep(plan["seconds"] - wait)
        for task in tasks:
            task.cancel()
    return {
        "requests": sum(client.requests for client in clients),
        "bytes": sum(client.bytes for client in clients),
        "delays": [when - changed for when in knew.values()],
        "missed": count - len(knew),
    }


async def measure(plan: dict, step) -> dict:
    """Returns the plan and {"rows": {way: {"requests", "bytes", "cpu", ...: round by round}}}."""
    rows: dict = {way: {} for way in WAYS}
    async with (
        Server(chapter(9)) as ninth,
        Server(chapter(10)) as tenth,
        Crowd(ninth.url) as one,
        Crowd(tenth.url) as other,
    ):
        servers = {9: ninth, 10: tenth}
        shoppers = {9: Shopper(*await one.connect(1)), 10: Shopper(*await other.connect(1))}
        for shopper in shoppers.values():
            await shopper.change()
        for number in range(plan["rounds"]):
            # Another moment in each round, so that it falls everywhere between two short polls.
            wait = plan["seconds"] * (0.1 + 0.4 * (number * 0.618 % 1))
            for way in in_turn(list(WAYS), number):
                step(f"{way}, round {number + 1}")
                server = servers[WAYS[way][0]]
                async with Crowd(server.url) as crowd, Used(server) as used:
                    found = await watch(way, crowd, plan, shoppers[WAYS[way][0]], wait)
                for name, value in (found | {"cpu": used.cpu}).items():
                    rows[way].setdefault(name, []).append(value)
    return {"plan": plan, "rows": rows}


def tables(data: dict) -> str:
    plan, rows = data["plan"], []
    for way, row in data["rows"].items():
        over = ratios(row["cpu"], data["rows"]["long polling"]["cpu"])
        cells = [way, f"{median(row['requests']):,.0f}", f"{median(row['bytes']) / 1000:,.1f}"]
        cells += [shown(row["cpu"], 0, 1000), "" if way == "long polling" else shown(over)]
        delays = [delay * 1000 for delay in _delays(row)]
        cells += [f"{median(delays):,.1f}", f"{max(delays, default=math.nan):,.1f}"]
        rows.append([*cells, str(sum(row["missed"]))])
    head = ["way", "requests", "kB", "server's CPU, ms", "over long polling"]
    head += ["delay, ms: median", "longest", "not told"]
    return (
        f"{plan['clients']} clients, {plan['seconds']:g} s, one change; rounds: {plan['rounds']}. "
        f"The headers of a request have {len(BROWSER)} bytes more than the least.\n\n"
        f"{table(head, rows)}"
    )


def claims(data: dict) -> list[list[str]]:
    rows = {way: row["cpu"] for way, row in data["rows"].items()}
    short = [way for way, (_, seconds) in WAYS.items() if seconds]
    over = {way: ratios(rows[way], rows["long polling"]) for way in short}
    rule = f"{' and '.join(short)} each take more than {GREATLY} times the CPU time of long polling"
    told = "; ".join(f"{way}: {shown(each, 1)} times" for way, each in over.items())
    return [["C60", rule, told, every(above(each, GREATLY) for each in over.values())]]


def plot(data: dict, figure) -> None:
    rows = data["rows"]
    bars = {
        "requests": [median(row["requests"]) for row in rows.values()],
        "kB": [median(row["bytes"]) / 1e3 for row in rows.values()],
        "server's CPU, ms": [median(row["cpu"]) * 1e3 for row in rows.values()],
        "delay, ms (median)": [median(_delays(row)) * 1e3 for row in rows.values()],
    }
    for axes, (title, values) in zip(
        figure.subplots(1, len(bars), sharey=True), bars.items(), strict=True
    ):
        drawn = axes.barh(list(rows), values, color=["C0", "C1", "C2", "C3"])
        axes.bar_label(drawn, fmt="{:,.0f}", padding=2)
        axes.set_title(title, fontsize="medium")
        axes.margins(x=0.35)
    axes.invert_yaxis()


def _delays(row: dict) -> list[float]:
    return [delay for delays in row["delays"] for delay in delays]
