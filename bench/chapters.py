"""Each chapter's server against a bare Tornado handler that gives the same response."""

from __future__ import annotations

import asyncio
import re
import tempfile
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

from bench.clients import LIMIT, Client, Crowd, frame, load, request
from bench.measure import BARE, Server, Used, chapter, in_turn
from bench.stats import difference, median, ratios, shown, table, target
from course.learner.mongo import Mongod, MongoError

TITLE = "The chapters against a bare handler"
ALT = "CPU time of a request in each chapter divided by that of a bare handler, and the targets"
PLANS = {
    "full": {"rounds": 15, "seconds": 0.3, "chapters": [1, 2, 3, 5, 6, 7, 8, 9, 10]},
    "quick": {"rounds": 3, "seconds": 0.2, "chapters": [1, 5, 9, 10]},
}
SECONDS = {"full": 125, "quick": 15}
CLIENTS = 16
ASKED = {  # chapter -> the bytes of a request, or of a WebSocket frame that comes back
    1: request("/?greeting=Salutations"),
    2: request("/"),
    3: request("/square?number=12"),
    5: request("/perturb"),
    6: request("/perturb", form="definition=to+take+away+the+calm"),
    7: request("/async?q=tornado"),
    8: request("/await?q=tornado"),
    9: request("/cart/status?version=1"),
    10: frame(b"x" * 40),
}
TARGETS = dict.fromkeys([1, 2, 3, 7, 8, 9], 1.1) | {5: 1.4, 6: 1.4}


def measure(plan: dict, step) -> dict:
    """Returns {"rows": [{"chapter", "server", "cpu": seconds a request, round by round}], "mongod"}."""
    numbers, version, uri = plan["chapters"], "", ""
    with ExitStack() as stack:
        if {5, 6} & set(numbers):
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            try:
                server = stack.enter_context(Mongod(Path(folder)))
                stack.callback(server.kill)  # an orderly end takes a second
                version, uri = server.version, server.uri
            except MongoError:  # this system has none
                numbers = [number for number in numbers if number not in (5, 6)]
        rows = [row for number in numbers for row in asyncio.run(_case(number, plan, uri, step))]
    return {"rows": rows, "mongod": version}


async def _case(number: int, plan: dict, uri: str, step) -> list[dict]:
    async with AsyncExitStack() as stack:
        options = [f"--mongo={uri}"] if number in (5, 6) else []
        if number in (7, 8):
            upstream = Server(chapter(number).parent / "upstream.py", "--delay=0")
            options = [f"--api={(await stack.enter_async_context(upstream)).url}"]
        bare = [BARE, f"--chapter={number}", *options]
        servers = {"chapter": Server(chapter(number), *options), "bare": Server(*bare)}
        if number == 5:
            servers["bare, AsyncMongoClient"] = Server(*bare, "--asynchronous")
        turns = []
        for name, server in servers.items():
            await stack.enter_async_context(server)
            crowd = await stack.enter_async_context(Crowd(server.url))
            turns.append((name, server, await _ready(crowd, number)))
        found: dict[str, list[float]] = {name: [] for name in servers}
        for turn in range(plan["rounds"]):
            for name, server, clients in in_turn(turns, turn):
                step(f"{number}, {name}, round {turn + 1}")
                async with Used(server) as used:
                    done = await load(clients, ASKED[number], plan["seconds"])
                found[name].append(used.cpu / done)
    return [{"chapter": number, "server": name, "cpu": cpu} for name, cpu in found.items()]


async def _ready(crowd: Crowd, number: int) -> list[Client]:
    """Connect the clients; returns when the server is ready for them."""
    clients = await crowd.connect(CLIENTS, "/echo" if number == 10 else "")
    async with asyncio.timeout(LIMIT):
        if number == 10:
            await asyncio.gather(*(client.receive() for client in clients))  # the greeting
        else:
            while (await clients[0].ask(ASKED[number])).code == 503:  # not yet prepared
                await asyncio.sleep(0.05)
    return clients


def tables(data: dict) -> str:
    rows = []
    for number, servers in _chapters(data).items():
        asked = re.split(rb"[? ]", ASKED[number])[:2]
        what = "WebSocket" if number == 10 else b" ".join(asked).decode()
        for name, cpu in servers.items():
            row = [f"{number}: {what}", name, shown(cpu, 0, 1e6)]
            if name != "bare":
                over = ratios(cpu, servers["bare"])
                row += [shown(over), difference(over)]
                row += target(over, TARGETS.get(number) if name == "chapter" else None)
            rows.append(row + [""] * (7 - len(row)))
    head = ["chapter", "server", "CPU a request, µs", "over bare", "CPU time", "at most", "target"]
    rounds = len(data["rows"][0]["cpu"])
    stock = f" The words of 5 and 6 are in MongoDB {data['mongod']}." if data["mongod"] else ""
    return f"Rounds: {rounds}.{stock}\n\n{table(head, rows)}"


def claims(data: dict) -> list[list[str]]:
    return []  # no claim of the notes is about this


def plot(data: dict, figure) -> None:
    axes = figure.subplots()
    chapters = _chapters(data)
    names = [f"chapter {number}" for number in chapters]
    over = [median(ratios(each["chapter"], each["bare"])) for each in chapters.values()]
    axes.bar_label(axes.barh(names, over), fmt="{:.2f}", padding=2)
    for place, number in enumerate(chapters):
        if limit := TARGETS.get(number):
            axes.plot([limit, limit], [place - 0.4, place + 0.4], color="black")
    axes.axvline(1, color="black", linestyle=":")
    axes.invert_yaxis()
    axes.set(xlabel="CPU time over that of the bare handler (black line: the target)")


def _chapters(data: dict) -> dict[int, dict[str, list[float]]]:
    """chapter -> server -> CPU time a request, round by round"""
    found: dict[int, dict[str, list[float]]] = {}
    for row in data["rows"]:
        found.setdefault(row["chapter"], {})[row["server"]] = row["cpu"]
    return found
