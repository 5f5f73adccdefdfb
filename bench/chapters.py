"""Each chapter's server against a bare Tornado handler that gives the same response."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, nullcontext
from dataclasses import dataclass

from bench.clients import LIMIT, Client, Crowd, frame, load, request
from bench.measure import SERVERS, Server, Used, chapter, in_turn, mongod
from bench.stats import difference, median, ratios, shown, table, target

TITLE = "The chapters against a bare handler"
ALT = "CPU time of a request in each chapter divided by that of a bare handler, and the targets"
PLANS = {
    "full": {"rounds": 15, "seconds": 0.3, "chapters": [1, 2, 3, 5, 6, 7, 8, 9, 10]},
    "quick": {"rounds": 3, "seconds": 0.2, "chapters": [1, 5, 9, 10]},
}
SECONDS = {"full": 125, "quick": 15}
CLIENTS = 16
ECHO = frame(b"x" * 40)


@dataclass(frozen=True)
class Case:
    """What a chapter is asked: a path, with a form to post, or a WebSocket that sends back what it gets.

    `target` is the ratio to the bare handler that the chapter should not exceed.
    """

    path: str
    target: float | None = 1.1
    form: str = ""
    websocket: bool = False


CASES = {
    1: Case("/?greeting=Salutations"),
    2: Case("/"),
    3: Case("/square?number=12"),
    5: Case("/perturb", 1.4),
    6: Case("/perturb", 1.4, form="definition=to+take+away+the+calm"),
    7: Case("/async?q=tornado"),
    8: Case("/await?q=tornado"),
    9: Case("/cart/status?version=1"),
    10: Case("/echo", None, websocket=True),
}


def measure(plan: dict, steps) -> dict:
    """Returns {"rows": [{"chapter", "server", "cpu": seconds a request, round by round}], "mongod"}."""
    needed = {5, 6} & set(plan["chapters"])
    with mongod() if needed else nullcontext(("", "")) as (uri, version):
        rows = [row for n in plan["chapters"] for row in asyncio.run(_case(n, plan, uri, steps))]
    return {"rows": rows, "mongod": version}


async def _case(number: int, plan: dict, uri: str, steps) -> list[dict]:
    async with AsyncExitStack() as stack:
        options = [f"--mongo={uri}"] if number in (5, 6) else []
        if number in (7, 8):
            upstream = Server(chapter(number).parent / "upstream.py", "--delay=0")
            options = [f"--api={(await stack.enter_async_context(upstream)).url}"]
        bare = [SERVERS / "bare.py", f"--chapter={number}", *options]
        servers = {"chapter": Server(chapter(number), *options), "bare": Server(*bare)}
        if number in (5, 6):
            servers["bare, AsyncMongoClient"] = Server(*bare, "--asynchronous")
        turns = []
        for name, server in servers.items():
            await stack.enter_async_context(server)
            crowd = await stack.enter_async_context(Crowd(server.url))
            turns.append((name, server, await _ready(crowd, CASES[number])))
        found: dict[str, list[float]] = {name: [] for name in servers}
        for round_ in range(plan["rounds"]):
            for name, server, clients in in_turn(turns, round_):
                steps.step(f"{number}, {name}, round {round_ + 1}")
                with Used(server) as used:
                    done = await load(clients, _asking(CASES[number]), plan["seconds"])
                found[name].append(used.cpu / done)
    return [{"chapter": number, "server": name, "cpu": cpu} for name, cpu in found.items()]


def _asking(case: Case) -> bytes:
    return ECHO if case.websocket else request(case.path, form=case.form)


async def _ready(crowd: Crowd, case: Case) -> list[Client]:
    """Connect the clients, and return when the server gives each of them the response."""
    clients = await crowd.connect(CLIENTS, case.path if case.websocket else "")
    async with asyncio.timeout(LIMIT):
        for client in clients:
            response = await client.ask(_asking(case))
            while (response.body != ECHO[6:]) if case.websocket else (response.code == 503):
                if case.websocket:  # that was a greeting
                    response = await client.receive()
                else:  # a chapter that is not yet prepared
                    await asyncio.sleep(0.05)
                    response = await client.ask(_asking(case))
    return clients


def tables(data: dict) -> str:
    rows = []
    for number, servers in _chapters(data).items():
        case = CASES[number]
        method = "WebSocket" if case.websocket else "POST" if case.form else "GET"
        for name, cpu in servers.items():
            row = [f"{number}: {method} {case.path.partition('?')[0]}", name, shown(cpu, 0, 1e6)]
            if name != "bare":
                over = ratios(cpu, servers["bare"])
                row += [shown(over), difference(over)]
                row += target(over, case.target if name == "chapter" else None)
            rows.append(row + [""] * (7 - len(row)))
    head = ["chapter", "server", "CPU a request, µs", "over bare", "CPU time", "at most", "target"]
    rounds = len(data["rows"][0]["cpu"])
    stock = f" The words of 5 and 6 are in MongoDB {data['mongod']}." if data["mongod"] else ""
    return f"{rounds} rounds.{stock}\n\n{table(head, rows)}"


def claims(data: dict) -> list[list[str]]:
    return []  # no claim of the notes is about this


def plot(data: dict, figure) -> None:
    axes = figure.subplots()
    chapters = _chapters(data)
    names = [f"chapter {number}" for number in chapters]
    over = [median(ratios(each["chapter"], each["bare"])) for each in chapters.values()]
    axes.bar_label(axes.barh(names, over), fmt="{:.2f}", padding=2)
    for place, number in enumerate(chapters):
        if limit := CASES[number].target:
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
