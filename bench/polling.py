"""Short polling, long polling, WebSocket: what 20 clients cost while little happens (C60)."""

from __future__ import annotations

import heapq
import json
import time
from contextlib import AbstractContextManager

from bench.clients import BROWSER, Herd, request
from bench.measure import Sampler, Server, chapter, median, shown, table

TITLE = "Short polling, long polling, WebSocket"
# way -> (chapter, seconds between two requests of a client)
WAYS = {
    "polling every 250 ms": (9, 0.25),
    "polling every 1 s": (9, 1.0),
    "long polling": (9, None),
    "WebSocket": (10, None),
}
PLANS = {
    "full": {"clients": 20, "seconds": 5.0, "changes": 2, "rounds": 3},
    "quick": {"clients": 20, "seconds": 1.0, "changes": 2, "rounds": 1},
    "tiny": {"clients": 2, "seconds": 0.7, "changes": 1, "rounds": 1},
}
SECONDS = {"full": 66, "quick": 7, "tiny": 4}


class Shop(AbstractContextManager):
    """The one that changes the stock, over a connection of its own: adds the book to its cart, or takes it out."""

    def __init__(self, port: int):
        self.herd = Herd(port)
        self.client = self.herd.connect()
        self.client.sock.setblocking(True)
        self.herd.send(self.client, request("/cart", "POST", form="action=remove"))
        answer = self.client.sock.recv(65536).decode()
        cookie = answer.partition("Set-Cookie: ")[2].partition(";")[0]
        self.headers = f"Cookie: {cookie}\r\n"
        self.client.sock.setblocking(False)
        self.added = False

    def change(self) -> float:
        """Send the next change, and return when that was. The answer is read at the next one."""
        self.added = not self.added
        action = "add" if self.added else "remove"
        for _ in self.herd.poll(0):
            pass
        now = time.monotonic()
        self.herd.send(self.client, request("/cart", "POST", self.headers, f"action={action}"))
        return now

    def __exit__(self, *error):
        self.herd.__exit__(*error)


def status(version: int) -> bytes:
    """A browser's request for the state, with what it has seen: -1 is none, and is answered at once."""
    return request(f"/cart/status?version={version}", headers=BROWSER)


def watch(herd: Herd, way: str, plan: dict, shop: Shop) -> dict:
    """Let the clients wait for the changes in their way.

    Returns their requests, their bytes both ways, and the delays from a change to each client.
    """
    _, every = WAYS[way]
    clients = herd.clients
    started = time.monotonic()
    until = started + plan["seconds"]
    count = plan["changes"]
    changes = [started + plan["seconds"] * (n + 0.77) / (count + 0.5) for n in range(count)]
    seen = dict.fromkeys(range(len(clients)), 0)
    made: list[float] = []
    delays: list[float] = []
    due: list[tuple[float, int]] = []
    if every:  # spread over the time between two requests, as visitors who came by chance
        due = [(started + every * n / len(clients), n) for n in range(len(clients))]
        heapq.heapify(due)
    elif way == "long polling":
        for client in clients:
            herd.send(client, status(0))
    while (now := time.monotonic()) < until:
        if changes and changes[0] <= now:
            changes.pop(0)
            made.append(shop.change())
        while due and due[0][0] <= now:
            moment, number = heapq.heappop(due)
            heapq.heappush(due, (moment + every, number))
            herd.send(clients[number], status(-1))
        upcoming = [until, *changes[:1], *[moment for moment, _ in due[:1]]]
        for client, _, body in herd.poll(min(upcoming) - time.monotonic()):
            version = json.loads(body)["version"]
            if version > seen[client.number]:
                delays += [
                    time.monotonic() - made[n - 1]
                    for n in range(seen[client.number] + 1, version + 1)
                ]
                seen[client.number] = version
            if way == "long polling":
                herd.send(client, status(version))
    requests = len(clients) if way == "WebSocket" else herd.sends
    return {"requests": requests, "bytes": herd.bytes, "delays": delays}


def measure(plan, steps) -> dict:
    """Run the plan. Returns the plan and {"rows": [{"way", and a list, round by round, of each measure}]}."""
    rows = {way: {"way": way, "requests": [], "bytes": [], "cpu": [], "delays": []} for way in WAYS}
    for number in range(plan["rounds"]):
        for way, (script, _) in WAYS.items():
            steps.step(f"{way}, round {number + 1} of {plan['rounds']}")
            with (
                Server(chapter(script)) as server,
                Herd(server.port) as herd,
                Shop(server.port) as shop,
                Sampler(server) as used,
            ):
                if way == "WebSocket":
                    herd.open_websockets("/cart/status", plan["clients"], BROWSER)
                else:
                    for _ in range(plan["clients"]):
                        herd.connect()
                found = watch(herd, way, plan, shop)
            missing = plan["clients"] * plan["changes"] - len(found["delays"])
            if way != "polling every 1 s" and missing:
                raise RuntimeError(f"{way}: {missing} changes were not told")
            for name in ("requests", "bytes", "delays"):
                rows[way][name].append(found[name])
            rows[way]["cpu"].append(used.cpu)
    return {"plan": plan, "rows": list(rows.values())}


def report(data: dict) -> str:
    plan, rows = data["plan"], []
    for row in data["rows"]:
        told = [delay for delays in row["delays"] for delay in delays]
        rows.append(
            [
                row["way"],
                f"{median(row['requests']):,.0f}",
                f"{median(row['bytes']) / 1000:,.1f}",
                shown(row["cpu"], 1, 1000),
                f"{median(told) * 1000:,.1f}",
                f"{max(told, default=0) * 1000:,.1f}",
            ]
        )
    head = ["way", "requests", "kB, both ways", "server's CPU, ms", "delay, ms: median", "longest"]
    return f"""\
{plan["clients"]} clients, {plan["seconds"]:g} s, {plan["changes"]} changes. The first three ask chapter 9's script (a
short poll asks for a version that is never there, so the answer comes at once), the fourth chapter 10's. Each request has the
headers that a browser sends, {len(BROWSER)} bytes; bytes are what the clients' sockets carry, with the opening of the
WebSockets and without TCP's own. The delay is from sending the change to a client having it, over all clients and rounds.

{table(head, rows)}

The cost of polling grows with the clients and with the time, whether anything happens or not. The cost of the other two grows
with the clients and with the changes. A long poll pays for each change with a whole request, a WebSocket with one frame."""


def _middle(data: dict) -> dict[str, tuple[float, float, float, float]]:
    return {
        row["way"]: (
            median(row["requests"]),
            median(row["bytes"]),
            median(row["cpu"]),
            median(delay for delays in row["delays"] for delay in delays),
        )
        for row in data["rows"]
    }


def headlines(data: dict) -> list[str]:
    plan = data["plan"]
    what = f"{plan['clients']} clients, {plan['seconds']:g} s, {plan['changes']} changes"
    said = []
    for way, (requests, count, cpu, delay) in _middle(data).items():
        said.append(
            f"{way[0].upper()}{way[1:]} ({what}): {requests:,.0f} requests, {count / 1000:,.0f} kB, "
            f"{cpu * 1000:,.0f} ms of CPU, a change is known after {delay * 1000:,.1f} ms."
        )
    ways = _middle(data)
    often, waiting, pushed = ways["polling every 250 ms"], ways["long polling"], ways["WebSocket"]
    said.append(
        f"Against polling every 250 ms, long polling takes {often[2] / waiting[2]:.1f} times less CPU, a WebSocket "
        f"{often[2] / pushed[2]:.1f} times less."
    )
    return said


def plot(data: dict, figure) -> None:
    ways = _middle(data)
    names = ["requests", "kB, both ways", "server's CPU, ms", "delay, ms (median)"]
    scales = [1, 1e-3, 1e3, 1e3]
    for n, axes in enumerate(figure.subplots(1, 4, sharey=True)):
        values = [way[n] * scales[n] for way in ways.values()]
        bars = axes.barh(list(ways), values, color=["C0", "C1", "C2", "C3"])
        axes.bar_label(
            bars, labels=[f"{value:,.1f}".removesuffix(".0") for value in values], padding=2
        )
        axes.set_title(names[n], fontsize="medium")
        axes.margins(x=0.35)
        axes.invert_yaxis() if n == 0 else None
