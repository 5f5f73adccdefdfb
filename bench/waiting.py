"""What a waiting client costs, as their number grows: CPU, memory, open files (C61)."""

from __future__ import annotations

import time
from itertools import pairwise

from bench.clients import BROWSER, Herd, request
from bench.measure import Sampler, Server, chapter, table
from bench.polling import status

TITLE = "Clients that wait"
PLANS = {
    "full": {"sizes": [500, 1000, 2000, 5000], "seconds": 2.0, "period": (1000, 26.0)},
    "quick": {"sizes": [300], "seconds": 1.0, "period": None},
    "tiny": {"sizes": [20], "seconds": 0.2, "period": None, "ways": ["long poll"]},
}
SECONDS = {"full": 80, "quick": 7, "tiny": 4}
WAYS = {"long poll": 9, "WebSocket": 10, "polling every 1 s": 9}
DEADLINE, PING = 25, 20  # seconds: chapter 9 answers a long poll then, chapter 10 pings then


def open_all(herd: Herd, way: str, count: int) -> None:
    """Let so many clients come, and wait until the server has them all."""
    if way == "WebSocket":
        herd.open_websockets("/cart/status", count, BROWSER)
        return
    clients = herd.connect_many(count)
    if way == "long poll":
        for client in clients:
            herd.send(client, status(0))
        herd.ask(herd.connect(), status(-1))  # its answer says that what came before has been read


def poll_each_second(herd: Herd, count: int, seconds: float) -> int:
    """Let each client ask once a second, evenly spread. Returns how many answers came."""
    clients = herd.clients[-count:]
    started, sent, answers = time.monotonic(), 0, 0
    asking = status(-1)
    while (now := time.monotonic() - started) < seconds:
        while sent < now * count:
            herd.send(clients[sent % count], asking)
            sent += 1
        answers += sum(1 for _ in herd.poll(min(0.01, seconds - now)))
    return answers


def rest(herd: Herd, seconds: float) -> int:
    """Let the clients wait. A long poll that ends is asked again. Returns how many messages came."""
    messages = 0
    for client, code, _ in herd.messages(seconds):
        messages += 1
        if not client.open and code == 204:
            herd.send(client, status(0))
    return messages


def measure(plan, steps) -> dict:
    """Run the plan.

    Returns {"rows": one for each way and size, "period": what 1,000 of each cost over a whole period}.
    """
    rows = []
    for way in plan.get("ways", WAYS):
        with Server(chapter(WAYS[way])) as server, Herd(server.port) as herd:
            herd.ask(herd.connect(), request("/"))  # what the first request loads is no client's
            memory, files = server.memory(), server.files()
            for before, size in pairwise([0, *plan["sizes"]]):
                steps.step(f"{size} by {way}")
                open_all(herd, way, size - before)
                rest(herd, 0.3)  # the first messages come
                with Sampler(server) as used:
                    if way == "polling every 1 s":
                        messages = poll_each_second(herd, size, plan["seconds"])
                    else:
                        messages = rest(herd, plan["seconds"])
                rows.append(
                    {
                        "way": way,
                        "size": size,
                        "cpu": used.cpu,
                        "seconds": used.seconds,
                        "messages": messages,
                        "memory": (server.memory() - memory) / size,
                        "files": (server.files() - files) / size,
                    }
                )
    return {"rows": rows, "period": _period(*plan["period"], steps) if plan["period"] else None}


def _period(size: int, seconds: float, steps) -> dict:
    """Over so many seconds each long poll meets its deadline once, and each WebSocket is pinged once."""
    steps.step(f"{size} of each over {seconds:g} s")
    with (
        Server(chapter(9)) as polled,
        Server(chapter(10)) as pushing,
        Herd(polled.port) as waiting,
        Herd(pushing.port) as listening,
    ):
        open_all(waiting, "long poll", size)
        open_all(listening, "WebSocket", size)
        with Sampler(polled) as long_poll, Sampler(pushing) as websocket:
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                rest(waiting, 0.02)
                rest(listening, 0.02)
        asked = waiting.sends - size
    return {
        "size": size,
        "seconds": seconds,
        "asked_again": asked,
        "long poll": long_poll.cpu,
        "WebSocket": websocket.cpu,
    }


def report(data: dict) -> str:
    rows = [
        [
            row["way"],
            f"{row['size']:,}",
            f"{row['cpu'] / row['seconds'] * 100:.2f} %",
            f"{row['messages'] / row['seconds']:,.0f}",
            f"{row['memory'] / 1024:.1f}",
            f"{row['files']:.2f}",
        ]
        for row in data["rows"]
    ]
    head = ["way", "clients", "CPU, of one core", "answers a second", "KiB each", "open files each"]
    text = f"""\
Each way has a server of its own, to which more and more clients come. In between, nothing happens; the short pollers ask
once a second. Memory is the growth of the server's resident set, divided by the clients.

{table(head, rows)}

"""
    if period := data["period"]:
        each = {way: period[way] / period["size"] * 1e6 for way in ("long poll", "WebSocket")}
        text += f"""\
Nothing is not quite nothing: chapter 9 answers a long poll after {DEADLINE} s, and it is asked again; chapter 10 pings each
WebSocket every {PING} s. {period["size"]:,} of each, over {period["seconds"]:g} s in which that comes once to each: a long
poll's turn costs {each["long poll"]:,.0f} µs of CPU a client, a WebSocket's {each["WebSocket"]:,.0f} µs. For
{period["size"]:,} clients that is {each["long poll"] / DEADLINE * period["size"] / 1e4:.2f} % and
{each["WebSocket"] / PING * period["size"] / 1e4:.2f} % of a core.

"""
    return f"""{text}\
Waiting takes no CPU between those turns, however many wait: a loop is woken by what arrives, not by what it waits for.
What grows is memory and open files, in step with the clients. Short polling grows in CPU, and where the machine is full,
which the server shares with the clients of this measurement, the answers a second stop growing."""


def headlines(data: dict) -> list[str]:
    said = []
    for way in dict.fromkeys(row["way"] for row in data["rows"]):
        rows = [row for row in data["rows"] if row["way"] == way]
        last = rows[-1]
        share = last["cpu"] / last["seconds"] * 100
        said.append(
            f"{last['size']:,} clients by {way}: {share:.2f} % of a core, {last['memory'] / 1024:.0f} KiB and "
            f"{last['files']:.0f} open file each."
        )
    return said


def plot(data: dict, figure) -> None:
    left, right = figure.subplots(1, 2)
    for way, marker in zip(WAYS, "o^s", strict=True):
        rows = [row for row in data["rows"] if row["way"] == way]
        sizes = [row["size"] for row in rows]
        left.plot(
            sizes, [row["cpu"] / row["seconds"] * 100 for row in rows], marker=marker, label=way
        )
        memory = [row["memory"] * row["size"] / 2**20 for row in rows]
        right.plot(sizes, memory, marker=marker, label=way)
    left.set(xlabel="clients", ylabel="CPU, % of one core", ylim=(-3, None))
    right.set(xlabel="clients", ylabel="memory for them all, MiB", ylim=(0, None))
    left.legend()
