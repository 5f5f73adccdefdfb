"""What every experiment needs: servers in processes of their own, the system's accounting, medians, progress."""

from __future__ import annotations

import math
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager
from importlib import metadata
from pathlib import Path

import psutil
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SERVERS = HERE / "servers"
PACKAGES = ["tornado", "pymongo", "websockets", "aiohttp", "starlette", "uvicorn", "httptools"]
PACKAGES += ["uvloop", "psutil"]


def chapter(number: int) -> Path:
    """The script of a chapter. Raises FileNotFoundError if there is none."""
    for file in (ROOT / "chapters").glob(f"{number:02}_*/main.py"):
        return file
    raise FileNotFoundError(f"there is no chapter {number}")


def free_port() -> int:
    """A port on loopback that nothing listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Server(AbstractContextManager):
    """A script that serves on a free port of loopback, in `processes` processes; ended with the block.

    `args` are the script's options beside --port and --logging. Raises RuntimeError, with what the
    script printed, if it does not listen within 20 seconds.
    """

    def __init__(self, script: Path, *args: str, uvloop=False, processes=1):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.command = [sys.executable, str(HERE / "launch.py")]
        self.command += ["--uvloop"] if uvloop else []
        self.command += ["--share-port"] if processes > 1 else []
        # The log of requests costs more than many a handler; chapters.py measures how much.
        self.command += [str(script), f"--port={self.port}", "--logging=error", *args]
        self.count = processes
        self.processes: list[subprocess.Popen] = []

    def __enter__(self):
        self._out = tempfile.TemporaryFile("w+b")
        try:
            for _ in range(self.count):
                self.processes.append(
                    subprocess.Popen(
                        self.command,
                        cwd=tempfile.gettempdir(),
                        env=os.environ | {"no_proxy": "127.0.0.1"},
                        stdin=subprocess.PIPE,
                        stdout=self._out,
                        stderr=subprocess.STDOUT,
                    )
                )
            for process in self.processes:
                self._wait_for(process)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *error):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
            process.stdin.close()
        self._out.close()

    def _wait_for(self, process: subprocess.Popen) -> None:
        deadline = time.monotonic() + 20
        inspected = psutil.Process(process.pid)
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            # Ask the system, not the port: with a shared port another process might answer.
            if any(c.status == psutil.CONN_LISTEN for c in inspected.net_connections("tcp")):
                return
            time.sleep(0.02)
        self._out.seek(0)
        raise RuntimeError(f"{self.command[2:]} does not listen:\n{self._out.read().decode()}")

    def cpu(self) -> float:
        """Seconds of CPU time that the processes have had so far, user and system."""
        return sum(cpu_seconds(process.pid) for process in self.processes)

    def memory(self) -> int:
        """Bytes of memory that the processes hold (resident set size)."""
        return sum(psutil.Process(process.pid).memory_info().rss for process in self.processes)

    def files(self) -> int:
        """How many files and connections the processes have open."""
        return sum(psutil.Process(process.pid).num_fds() for process in self.processes)


def cpu_seconds(pid: int) -> float:
    """The CPU time that a process has had, all its threads, user and system."""
    if sys.platform == "linux":
        # What clock_getcpuclockid(3) gives: the process's own clock, in nanoseconds.
        return time.clock_gettime((~pid << 3) | 2)
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


class Sampler(AbstractContextManager):
    """What a server uses in a block: `.seconds` on the clock, `.cpu` in seconds of CPU time."""

    def __init__(self, server: Server):
        self.server = server

    def __enter__(self):
        self.started, self.before = time.monotonic(), self.server.cpu()
        return self

    def __exit__(self, *error):
        self.cpu = self.server.cpu() - self.before
        self.seconds = time.monotonic() - self.started


def median(samples: Iterable[float]) -> float:
    """The median; where there is no sample, nan."""
    values = list(samples)
    return statistics.median(values) if values else math.nan


def shown(samples: Iterable[float], digits: int = 2, scale: float = 1.0) -> str:
    """The median of some samples with the least and the greatest: "1.03 (1.01-1.10)"."""
    values = sorted(sample * scale for sample in samples)
    middle = f"{statistics.median(values):,.{digits}f}"
    if len(values) == 1:
        return middle
    return f"{middle} ({values[0]:,.{digits}f}-{values[-1]:,.{digits}f})"


def ratios(samples: list[float], to: list[float]) -> list[float]:
    """Round by round: each sample over the one that was taken beside it."""
    return [one / other for one, other in zip(samples, to, strict=True)]


def is_noise(samples: list[float]) -> bool:
    """Whether more than one round in seven disagrees with the others on which of the two is more.

    Two or fewer of fifteen disagree by chance alone in less than one case of a hundred. The rule was one in ten until a run
    had been seen in which two of fifteen disagreed: generators over callbacks, ten steps, on 2026-11-26.
    """
    above = sum(sample > 1.0 for sample in samples)
    return min(above, len(samples) - above) * 7 > len(samples)


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; all columns but the first are numbers, to the right."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def machine() -> dict:
    """What the numbers depend on: processor, system, versions. No names of hosts or folders."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": {name: metadata.version(name) for name in PACKAGES},
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    if shutil.which("sysctl"):
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    return platform.machine()


class Steps(AbstractContextManager):
    """Progress on the terminal: a bar over the expected seconds, and what is measured now."""

    def __init__(self, seconds: float, quiet: bool = False):
        self.console = Console(stderr=True, quiet=quiet)
        columns = [TextColumn("{task.description:50}"), BarColumn(), TimeElapsedColumn()]
        self.bar = Progress(*columns, console=self.console, transient=True)
        self.task = self.bar.add_task("", total=seconds)
        self.expected, self.spent = 0.0, 0.0

    def __enter__(self):
        self.bar.start()
        self.started = time.monotonic()
        return self

    def __exit__(self, *error):
        self.bar.stop()

    def begin(self, title: str, seconds: float) -> None:
        """An experiment begins, and is expected to take so long."""
        self.title, self.spent = title, self.expected
        self.expected += seconds
        self.since = time.monotonic()
        if not self.console.is_terminal:
            self.console.print(f"{title} (about {seconds:.0f} s)")
        self.step("")

    def step(self, text: str) -> None:
        """What comes next within the experiment."""
        done = min(self.expected, self.spent + time.monotonic() - self.since)
        self.bar.update(self.task, completed=done, description=f"{self.title}: {text}"[:50])
