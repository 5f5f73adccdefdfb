"""Load on one address: by wrk, which is made for it, or where there is none by a client of ours."""

from __future__ import annotations

import heapq
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.clients import Herd, frame, request

PATIENCE = 10  # seconds for two answers, however short the load
INSTALL = "Debian, Ubuntu: apt install wrk; macOS: brew install wrk"

# wrk is told in Lua what to send, how long a connection pauses before the next request, what to print.
SCRIPT = """
wrk.method = "{method}"
wrk.body = {body}
wrk.headers["Content-Type"] = {type}
{delay}
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("\\nRESULT %d %d %d %d %d\\n", summary.requests, summary.duration,
    e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""
DELAY = "function delay() return math.floor(-math.log(1 - math.random()) * {milliseconds}) end"


@dataclass
class Load:
    """What came of a load: how many requests in how many seconds; the p50 and p99 of their seconds."""

    requests: int
    seconds: float
    errors: int
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def generator() -> str:
    """What makes the load: the version of wrk, or that it is our own client."""
    if not shutil.which("wrk"):
        return "our own client (bench/load.py): wrk is not on the PATH"
    said = subprocess.run(["wrk", "-v"], capture_output=True, text=True).stdout
    return " ".join(said.split()[:2])


def load(
    url: str, seconds: float, connections: int = 16, pause: float = 0.0, form: str = ""
) -> Load:
    """Ask `url` for some seconds over so many connections, each asking again as soon as it is answered.

    With a `pause` each waits before it asks again, a random time with this mean, in seconds: so the
    rate is nearly `connections / pause`, whatever the server. `form` is posted, if given. Answers with
    a status of 400 or more are errors. Raises RuntimeError if nothing was answered.
    """
    made = _wrk if shutil.which("wrk") and seconds >= 1 else _ours  # wrk counts whole seconds
    result = made(url, seconds, connections, pause, form)
    if not result.requests or result.errors:
        raise RuntimeError(f"{url}: {result}")
    return result


def _wrk(url: str, seconds: float, connections: int, pause: float, form: str) -> Load:
    quoted = '"{}"'.format(form.replace('"', '\\"')) if form else "nil"
    script = SCRIPT.format(
        method="POST" if form else "GET",
        body=quoted,
        type='"application/x-www-form-urlencoded"' if form else "nil",
        delay=DELAY.format(milliseconds=pause * 1000) if pause else "",
    )
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "-s", file.name, url]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30)
    line = next((line for line in ran.stdout.splitlines() if line.startswith("RESULT")), None)
    if line is None:
        raise RuntimeError(f"{command}: {ran.stdout}{ran.stderr}")
    requests, duration, errors, p50, p99 = (float(word) for word in line.split()[1:])
    return Load(int(requests), duration / 1e6, int(errors), p50 / 1e6, p99 / 1e6)


def _ours(url: str, seconds: float, connections: int, pause: float, form: str) -> Load:
    address = urlsplit(url)
    path = address.path + (f"?{address.query}" if address.query else "")
    asking = request(path, method="POST" if form else "GET", form=form)
    with Herd(address.port) as herd:
        for _ in range(connections):
            herd.connect()
        return _closed_loop(herd, asking, seconds, pause)


def echo(url: str, seconds: float, connections: int = 16, pause: float = 0.0) -> Load:
    """The same over WebSockets that send back what they get, by our own client."""
    address = urlsplit(url)
    with Herd(address.port) as herd:
        herd.open_websockets(address.path, connections)
        for _ in herd.messages(0.2):
            pass  # a greeting
        return _closed_loop(herd, frame(b"x" * 40), seconds, pause)


def _closed_loop(herd: Herd, asking: bytes, seconds: float, pause: float) -> Load:
    """Each client of the herd sends, waits for what comes back, pauses, and sends again.

    On a machine that is busy with other things it goes on for up to PATIENCE seconds more, until two are answered.
    """
    dice = random.Random(1)

    def rest() -> float:
        return dice.expovariate(1 / pause) if pause else 0.0

    times, errors, since = [], 0, [0.0] * len(herd.clients)
    started = time.monotonic()
    until = started + seconds
    due = [(started + rest(), client.number) for client in herd.clients]
    heapq.heapify(due)
    while (now := time.monotonic()) < until or (len(times) < 2 and now < until + PATIENCE):
        while due and due[0][0] <= now:
            _, number = heapq.heappop(due)
            since[number] = time.monotonic()
            herd.send(herd.clients[number], asking)
        end = until if now < until else until + PATIENCE
        for client, status, _ in herd.poll(min(due[0][0] if due else end, end) - time.monotonic()):
            now = time.monotonic()
            times.append(now - since[client.number])
            errors += status >= 400
            heapq.heappush(due, (now + rest(), client.number))
    if len(times) < 2:
        return Load(0, seconds, errors, 0.0, 0.0)
    p99 = statistics.quantiles(times, n=100)[98]
    seconds = max(seconds, time.monotonic() - started)
    return Load(len(times), seconds, errors, statistics.median(times), p99)
