"""Every chapter's server against a bare Tornado handler that gives the same answer."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from bench.load import Load, echo, load
from bench.measure import SERVERS, Sampler, Server, chapter, is_noise, median, ratios, shown, table
from bench.mongod import Mongod

TITLE = "The chapters against a bare handler"
PLANS = {
    "full": {"rounds": 3, "seconds": 1, "paced": 1},
    "quick": {"rounds": 1, "seconds": 1, "paced": 0, "cases": [9]},
    "tiny": {"rounds": 1, "seconds": 0.2, "paced": 0, "cases": [10]},
}
SECONDS = {"full": 100, "quick": 6, "tiny": 4}
CLIENTS, PAUSE = 40, 0.1  # the fixed rate: 40 clients, each pausing 0.1 s between requests


@dataclass(frozen=True)
class Case:
    """What is asked of a chapter: a path, a form to post, or a WebSocket that echoes."""

    chapter: int
    path: str
    form: str = ""
    websocket: bool = False

    @property
    def name(self) -> str:
        method = "WebSocket" if self.websocket else "POST" if self.form else "GET"
        return f"{self.chapter}: {method} {self.path.partition('?')[0]}"

    def run(
        self, server: Server, seconds: float, connections: int = 16, pause: float = 0.0
    ) -> Load:
        if self.websocket:
            return echo(server.url + self.path, seconds, connections, pause)
        return load(server.url + self.path, seconds, connections, pause, self.form)


CASES = [
    Case(1, "/?greeting=Salutations"),
    Case(2, "/"),
    Case(3, "/square?number=12"),
    Case(5, "/perturb"),
    Case(6, "/perturb", form="definition=to+take+away+the+calm"),
    Case(7, "/async?q=tornado"),
    Case(8, "/await?q=tornado"),
    Case(9, "/cart/status?version=-1"),
    Case(10, "/echo", websocket=True),
]

# Why a chapter takes the CPU time that it takes beside the least that gives the same answer, and what it buys.
WHY = {
    1: "the same work, and a Content-Type of text/plain, so that no browser takes a greeting for HTML. "
    "Its log of requests, which is on when you run it and off here, costs more than its own code does.",
    2: "it makes its JSON anew for each request, with a function for what JSON does not know: a date, a span "
    "of time. The bare handler has them as text.",
    3: "it checks the number first, so that a client's mistake is a 400 and not a 500.",
    5: "each question to the database goes to a thread and comes back; measured once, apart from this run, nearly a third of "
    "the price is the system's CPU time. That buys a loop that goes on "
    "serving: behind the bare handler everybody waits for the slowest answer, and half a minute if the database is "
    "away. PyMongo's own AsyncMongoClient buys the same, at the price that stands beside it.",
    6: "the thread, as in 5, and the checks of what is posted: missing, blank, too large.",
    7: "an address in which the tag is quoted, a check that the answer is a timeline, and a template that "
    "escapes what it shows. The greater part is in both: to fetch, and to parse forty posts.",
    8: "as 7. The three ways to wait are compared above.",
    9: "an answer that is there at once pays for what lets others wait: a version to compare, a Condition, a "
    "deadline, and a note of the task, so that it can be cancelled when the client goes. That buys that no change is "
    "missed and that nothing is left of a client that has gone.",
    10: "it awaits each message that it sends. A client that reads slowly is then read slowly, too, and what it "
    "has not taken does not pile up in memory.",
}


def measure(plan, steps) -> dict:
    """Run the plan. Returns {"rows": one for each case and server, with lists, round by round}."""
    cases = [case for case in CASES if case.chapter in plan.get("cases", range(11))]
    with ExitStack() as stack:
        mongod = None
        if any(case.chapter in (5, 6) for case in cases):
            mongod = stack.enter_context(Mongod())
        upstream = ""
        if any(case.chapter in (7, 8) for case in cases):
            stand_in = chapter(7).parent / "upstream.py"
            upstream = stack.enter_context(
                Server(SERVERS / "canned.py", f"--stand-in={stand_in}")
            ).url
        rows = []
        for case in cases:
            rows += _case(case, plan, mongod.uri if mongod else "", upstream, steps)
    return {"rows": rows, "mongod": mongod.version if mongod else ""}


def _case(case: Case, plan: dict, mongo: str, upstream: str, steps) -> list[dict]:
    needs = {5: f"--mongo={mongo}", 6: f"--mongo={mongo}"}
    needs |= {7: f"--api={upstream}", 8: f"--api={upstream}"}
    args = [needs[case.chapter]] if case.chapter in needs else []
    bare = [SERVERS / "bare.py", f"--chapter={case.chapter}", *args]
    servers = {"chapter": Server(chapter(case.chapter), *args), "bare": Server(*bare)}
    if case.chapter == 1:
        servers["with its log"] = Server(chapter(1), "--logging=info")
    if case.chapter == 5:
        servers["bare, AsyncMongoClient"] = Server(*bare, "--driver=async")
    found = {
        name: {"case": case.name, "chapter": case.chapter, "server": name}
        | {"rate": [], "cpu": [], "p50": [], "p99": []}
        for name in servers
    }
    with ExitStack() as stack:
        for server in servers.values():
            stack.enter_context(server)
        for number in range(plan["rounds"]):
            turns = list(servers.items())
            for name, server in turns if number % 2 == 0 else reversed(turns):
                steps.step(f"{case.name}, {name}, round {number + 1}")
                with Sampler(server) as used:
                    done = case.run(server, plan["seconds"])
                found[name]["rate"].append(done.rate)
                found[name]["cpu"].append(used.cpu / done.requests)
        for _ in range(plan["paced"]):
            for name, server in servers.items():
                steps.step(f"{case.name}, {name}, at a fixed rate")
                done = case.run(server, 1, CLIENTS, PAUSE)
                found[name]["p50"].append(done.p50)
                found[name]["p99"].append(done.p99)
    return list(found.values())


def _cases(data: dict) -> dict[str, dict[str, dict]]:
    """Case -> server -> its row."""
    found: dict[str, dict[str, dict]] = {}
    for row in data["rows"]:
        found.setdefault(row["case"], {})[row["server"]] = row
    return found


def report(data: dict) -> str:
    rows = []
    for name, servers in _cases(data).items():
        bare = servers["bare"]
        for server, row in servers.items():
            over = ratios(row["cpu"], bare["cpu"])
            told = "the measure" if server == "bare" else shown(over)
            rows.append(
                [
                    f"{name}, {server}",
                    shown(row["rate"], 0),
                    shown(row["cpu"], 0, 1e6),
                    told + (" noise" if server != "bare" and is_noise(over) else ""),
                    f"{median(row['p50']) * 1000:.2f}" if row["p50"] else "",
                    f"{median(row['p99']) * 1000:.2f}" if row["p99"] else "",
                ]
            )
    head = ["chapter, server", "requests a second", "CPU a request, µs", "over the bare one"]
    head += ["p50, ms", "p99, ms"]
    reasons = "\n".join(
        f"- Chapter {number}: {why}"
        for number, why in WHY.items()
        if any(row["chapter"] == number for row in data["rows"])
    )
    stock = "in a MongoDB " + data["mongod"] if data["mongod"] else "in memory: no mongod was found"
    return f"""\
A chapter's script beside the least Tornado that gives the same answer (bench/servers/bare.py), turn by turn. Requests a
second: 16 connections that ask as fast as they are answered. p50 and p99: {CLIENTS} clients that pause {PAUSE:g} s, so
about {CLIENTS / PAUSE:.0f} requests a second. The words of 5 and 6 are {stock}; the timeline of 7 and 8 answers at once.
Chapter 4 is no server. No server logs its requests, but the one that says so. The CPU time is the server's own and the
steadiest of the numbers: the share is taken from it, round by round. "Noise": some rounds say more, others less.

{table(head, rows)}

Where the machine is busy, CPU time has its own noise. So the authors have also counted instructions, once, with valgrind,
whom no neighbour disturbs (outside of the kernel, Tornado 6.6.1, Python 3.11). Over the bare handler: chapter 1 1.00, 2 1.04,
3 1.01, 5 1.16 (AsyncMongoClient 1.32), 7 1.06, 8 1.02, 9 1.09, 10 1.59 of a very small sum: a third of an HTTP request's.

What a chapter does beside the bare handler, and what that buys:

{reasons}"""


def headlines(data: dict) -> list[str]:
    said = []
    for name, servers in _cases(data).items():
        over = ratios(servers["chapter"]["cpu"], servers["bare"]["cpu"])
        noise = " (noise)" if is_noise(over) else ""
        said.append(
            f"Chapter {name}: {median(over):.2f} of the CPU time of the bare handler{noise}."
        )
    return said


def plot(data: dict, figure) -> None:
    axes = figure.subplots()
    cases = _cases(data)
    over = [ratios(s["chapter"]["cpu"], s["bare"]["cpu"]) for s in cases.values()]
    middle = [median(each) for each in over]
    spread = [
        [m - min(each) for m, each in zip(middle, over, strict=True)],
        [max(each) - m for m, each in zip(middle, over, strict=True)],
    ]
    axes.barh(list(cases), middle, xerr=spread, capsize=4)
    axes.axvline(1.0, color="black", linewidth=1)
    axes.axvline(1.05, color="black", linewidth=1, linestyle=":")
    axes.invert_yaxis()
    axes.set(xlabel="CPU time of the chapter over that of the bare handler (dotted: 5% more)")
