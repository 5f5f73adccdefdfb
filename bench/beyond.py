"""What else one may reach for: uvloop, and several processes that share a port. What each brings for these chapters."""

from __future__ import annotations

from contextlib import ExitStack

from bench.blocking import burst
from bench.chapters import Case
from bench.load import load
from bench.measure import SERVERS, Sampler, Server, chapter, is_noise, median, ratios, shown, table

TITLE = "uvloop, several processes"
PLANS = {
    "full": {"rounds": 3, "seconds": 1, "processes": [1, 2, 4], "burst": (40, 0.1), "bursts": 3},
    "quick": {
        "rounds": 1,
        "seconds": 1,
        "processes": [1, 2],
        "burst": (16, 0.05),
        "bursts": 1,
        "cases": 1,
    },
    "tiny": {
        "rounds": 1,
        "seconds": 0.2,
        "processes": [2],
        "burst": (4, 0.05),
        "bursts": 1,
        "cases": 0,
    },
}
SECONDS = {"full": 65, "quick": 8, "tiny": 2}
CASES = [
    Case(1, "/?greeting=Salutations"),
    Case(7, "/async?q=tornado"),
    Case(9, "/cart/status?version=-1"),
    Case(10, "/echo", websocket=True),
]


def measure(plan, steps) -> dict:
    """Run the plan.

    Returns {"uvloop": for each case the CPU a request on both loops, "processes": requests a second
    of chapter 1, "bursts": seconds of a burst at chapter 7's blocking handler; by number of processes}.
    """
    return {
        "uvloop": [_loops(case, plan, steps) for case in CASES[: plan.get("cases", len(CASES))]],
        "processes": [_rate(count, plan, steps) for count in plan["processes"]],
        "bursts": [_burst(count, plan, steps) for count in plan["processes"]],
        "burst": plan["burst"],
    }


def _loops(case: Case, plan: dict, steps) -> dict:
    with ExitStack() as stack:
        args = []
        if case.chapter == 7:
            file = SERVERS / "canned.py"
            stand_in = f"--stand-in={chapter(7).parent / 'upstream.py'}"
            args = [f"--api={stack.enter_context(Server(file, stand_in)).url}"]
        servers = {
            loop: stack.enter_context(Server(chapter(case.chapter), *args, uvloop=loop == "uvloop"))
            for loop in ("asyncio", "uvloop")
        }
        found: dict = {"case": case.name, "asyncio": [], "uvloop": []}
        for number in range(plan["rounds"]):
            for loop, server in servers.items():
                steps.step(f"{case.name} on {loop}, round {number + 1}")
                with Sampler(server) as used:
                    done = case.run(server, plan["seconds"])
                found[loop].append(used.cpu / done.requests)
    return found


def _rate(count: int, plan: dict, steps) -> dict:
    with Server(chapter(1), processes=count) as server:
        found: dict = {"processes": count, "rate": [], "cpu": []}
        for number in range(plan["rounds"]):
            steps.step(f"chapter 1 in {count}, round {number + 1}")
            with Sampler(server) as used:
                # Many connections: the system deals them out to the processes by chance.
                done = load(server.url + CASES[0].path, plan["seconds"], connections=64)
            found["rate"].append(done.rate)
            found["cpu"].append(used.cpu / used.seconds)
    return found


def _burst(count: int, plan: dict, steps) -> dict:
    requests, delay = plan["burst"]
    script = chapter(7)
    found: dict = {"processes": count, "seconds": []}
    with (
        Server(script.parent / "upstream.py", f"--delay={delay}") as upstream,
        Server(script, f"--api={upstream.url}", processes=count) as server,
    ):
        for number in range(plan["bursts"]):
            steps.step(f"chapter 7 in {count}, burst {number + 1}")
            found["seconds"].append(burst(server.port, "/sync?q=tornado", requests, 60))
    return found


def report(data: dict) -> str:
    loops = [
        [
            row["case"],
            shown(row["asyncio"], 0, 1e6),
            shown(row["uvloop"], 0, 1e6),
            shown(ratios(row["uvloop"], row["asyncio"])),
            "noise" if is_noise(ratios(row["uvloop"], row["asyncio"])) else "",
        ]
        for row in data["uvloop"]
    ]
    bursts = {row["processes"]: row["seconds"] for row in data["bursts"]}
    processes = [
        [
            row["processes"],
            shown(row["rate"], 0),
            f"{median(row['cpu']):.2f}",
            shown(bursts[row["processes"]]),
        ]
        for row in data["processes"]
    ]
    requests, delay = data["burst"]
    return f"""\
The chapters' scripts as they are, started on uvloop's event loop. CPU time is the server's, for each request or message.

{table(["chapter", "asyncio, µs", "uvloop, µs", "uvloop over asyncio", ""], loops)}

uvloop makes the loop and the sockets faster. Tornado's own Python (parsing, routing, the handler, headers) stays what it
is, and is most of a request.

The same scripts in several processes that listen on one port (`reuse_port=True`). First chapter 1 at full load, then a burst
of {requests} requests at chapter 7's blocking handler, over {delay:g} s each (ideal in one process:
{requests * delay:g} s).

{table(["processes", "chapter 1, requests a second", "cores in use", "chapter 7, /sync, s"], processes)}

For what takes CPU, processes help up to the number of cores, which the client of this measurement shares. For a handler that
blocks, each process waits for itself, so the time falls with their number, but not evenly: the system deals the
connections out by chance, and the fullest process ends last. `/async` does better in one process. Chapters 9 and 10 keep their
stock in the process: several processes would each have their own. Chapter 10's `cluster.py` is for that."""


def headlines(data: dict) -> list[str]:
    said = [
        f"uvloop, {row['case']}: {median(ratios(row['uvloop'], row['asyncio'])):.2f} of the CPU time on asyncio."
        for row in data["uvloop"]
    ]
    requests, delay = data["burst"]
    rates = ", ".join(f"{r['processes']}: {median(r['rate']):,.0f}" for r in data["processes"])
    bursts = ", ".join(f"{r['processes']}: {median(r['seconds']):.2f} s" for r in data["bursts"])
    said.append(f"Chapter 1 by number of processes, requests a second: {rates}.")
    said.append(
        f"{requests} requests at `/sync` over {delay:g} s, by number of processes: {bursts}."
    )
    return said


def plot(data: dict, figure) -> None:
    left, middle, right = figure.subplots(1, 3)
    for offset, loop in ((-0.2, "asyncio"), (0.2, "uvloop")):
        places = [n + offset for n in range(len(data["uvloop"]))]
        left.barh(places, [median(row[loop]) * 1e6 for row in data["uvloop"]], 0.4, label=loop)
    left.set_yticks(range(len(data["uvloop"])), [row["case"] for row in data["uvloop"]])
    left.invert_yaxis()
    left.set(xlabel="CPU a request, µs")
    left.legend()
    counts = [str(row["processes"]) for row in data["processes"]]
    middle.bar(counts, [median(row["rate"]) for row in data["processes"]])
    middle.set(xlabel="processes", ylabel="chapter 1, requests a second")
    right.bar(counts, [median(row["seconds"]) for row in data["bursts"]], color="C2")
    right.set(xlabel="processes", ylabel="chapter 7, burst at /sync, s")
