"""What every experiment needs: servers in processes, their CPU time and memory."""

from __future__ import annotations

import asyncio
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

import psutil

from bench.clients import LIMIT
from course import manifest
from course.learner.script import free_port

BARE = Path(__file__).resolve().parent / "bare.py"
PACKAGES = ["tornado", "pymongo", "psutil"]


def chapter(number: int) -> Path:
    return manifest.chapter(str(number)).script


class Server:
    """`async with Server(script) as server:` a program on a free port of loopback, killed after the block.

    `options` are its options besides --port and --logging; the log of requests would cost more than
    many a handler. Raises RuntimeError, with what the program printed, if it ends before it listens.
    """

    def __init__(self, script: Path, *options: str):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.command = [sys.executable, str(script), f"--port={self.port}", "--logging=error"]
        self.command += options

    async def __aenter__(self):
        self._output = tempfile.TemporaryFile("w+b")
        self._process = subprocess.Popen(
            self.command,
            cwd=tempfile.gettempdir(),
            env=os.environ | {"no_proxy": "127.0.0.1", "MONGODB_URI": ""},
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(LIMIT):
                while not await self._listens():
                    if self._process.poll() is not None:
                        self._output.seek(0)
                        raise RuntimeError(f"{self.command[1:]}: {self._output.read().decode()}")
                    await asyncio.sleep(0.02)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *error):
        self._process.kill()
        self._process.wait()
        self._output.close()

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    def cpu(self) -> float:
        """The seconds of CPU time that the process has used, user and system."""
        if sys.platform == "linux":
            # As clock_getcpuclockid(3): the process's own clock, in nanoseconds.
            return time.clock_gettime((~self._process.pid << 3) | 2)
        times = psutil.Process(self._process.pid).cpu_times()
        return times.user + times.system

    def memory(self) -> int:
        """The bytes of memory that the process holds (resident set size)."""
        return psutil.Process(self._process.pid).memory_info().rss


class Used:
    """`async with Used(server) as used:` then `used.cpu`, the seconds of CPU time it used in the block."""

    def __init__(self, server: Server):
        self.server = server

    async def __aenter__(self):
        self.cpu = -self.server.cpu()
        return self

    async def __aexit__(self, *error):
        # The system adds up the time when the process waits again, which is after its last response.
        await asyncio.sleep(0.02)
        self.cpu += self.server.cpu()


def in_turn(things: list, number: int) -> list:
    """The order of a round: odd ones go backwards, so that none of them is always the first."""
    return things[::-1] if number % 2 else things


def machine() -> dict[str, str]:
    """What the numbers depend on. No names of hosts or folders."""
    memory = round(psutil.virtual_memory().total / 2**30)
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory, system": f"{memory} GB, {platform.system()} {platform.release().split('-')[0]}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES),
    }


def _processor() -> str:
    if sys.platform == "darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
