"""What a notebook needs to run a Tornado application in its own kernel: serve it, ask it, read its log.

A kernel already runs an event loop, so a cell may `await`. This file takes care of three things: a cell may be run twice
(the earlier server is stopped first), what a handler prints appears below the cell that sent the request, and what Tornado
logs appears where the lesson says so. It is in the notebooks' folder and finds the course by walking up to course.toml.
"""

from __future__ import annotations

import contextvars
import json as json_module
import logging
import os
import re
import subprocess
import sys
import sysconfig
import textwrap
import traceback
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders
from tornado.netutil import bind_sockets
from tornado.web import Application

_ROOT = next(p for p in Path(__file__).resolve().parents if (p / "course.toml").exists())
_SAFE = "!#$%&'()*+,/:;=?@[]-._~"
_servers: dict[str, HTTPServer] = {}
_records: list[logging.LogRecord] = []


class _Keep(logging.Handler):
    """Keeps each log record for `log()`."""

    def emit(self, record: logging.LogRecord) -> None:
        _records.append(record)


# Requests to this machine, also from what `run` starts, go to no proxy.
_no_proxy = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
os.environ["no_proxy"] = ",".join(filter(None, [_no_proxy, "127.0.0.1,localhost,::1"]))

for _name in ("tornado", "asyncio"):
    logging.getLogger(_name).handlers[:] = [_Keep(logging.WARNING)]
    logging.getLogger(_name).propagate = False


async def serve(app: Application, name: str = "app", **settings) -> str:
    """Serve `app` on a free port of this machine and return its URL, such as http://127.0.0.1:40123.

    A server that an earlier call started under the same `name` is stopped first. `settings` go to HTTPServer.
    """
    await stop(name)
    [sock] = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(app, **settings)
    # In an empty context: what a handler prints then belongs to the cell that runs, not to the one that served.
    contextvars.Context().run(server.add_socket, sock)
    _servers[name] = server
    return f"http://127.0.0.1:{sock.getsockname()[1]}"


async def stop(name: str = "app") -> None:
    """Stop the server of that name, if it runs, and close its connections."""
    if server := _servers.pop(name, None):
        server.stop()
        await server.close_all_connections()


@dataclass
class Answer:
    """A response to `ask`. A cell that ends in one shows the request line, the status line and the body."""

    request: str
    status: int
    reason: str
    headers: HTTPHeaders
    body: bytes

    @property
    def text(self) -> str:
        """The body as a string; bytes that are not UTF-8 are shown as `\\xff`."""
        return self.body.decode(errors="backslashreplace")

    def json(self):
        """The body, read as JSON. Raises ValueError if it is not JSON."""
        return json_module.loads(self.body)

    def __repr__(self) -> str:
        kind = self.headers.get("Content-Type", "")
        lines = self.text.splitlines() or ["(no body)"]
        if len(lines) > 20:
            lines[20:] = [f"... and {len(lines) - 20} more lines"]
        return "\n".join([self.request, f"{self.status} {self.reason}  {kind}".rstrip(), *lines])


async def ask(
    url: str,
    method: str = "GET",
    form: dict | None = None,
    json: object = None,
    body: str | bytes | None = None,
    headers: dict | None = None,
    timeout: float = 5,
) -> Answer:
    """Send one request and return its response, whatever the status.

    At most one of `form` (sent as a browser sends a form), `json` (any value but None) and `body` (as it is) is given.
    `timeout` is in seconds. Redirects are not followed. Raises OSError or HTTPClientError if no response arrives.
    """
    headers = dict(headers or {})
    if form is not None:
        body = urlencode(form, doseq=True)
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    elif json is not None:
        body = json_module.dumps(json)
        headers.setdefault("Content-Type", "application/json")
    url = quote(url, safe=_SAFE)  # as a browser does: 中文 becomes %E4%B8%AD%E6%96%87
    client = AsyncHTTPClient(force_instance=True)  # the handlers' client has other limits
    try:
        response = await client.fetch(
            url,
            method=method,
            body=body,
            headers=headers,
            connect_timeout=timeout,
            request_timeout=timeout,
            follow_redirects=False,
            allow_nonstandard_methods=True,
            raise_error=False,
        )
    finally:
        client.close()
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Answer(
        f"{method} {target}", response.code, response.reason, response.headers, response.body or b""
    )


def log(about: str = "") -> None:
    """Print the warnings and errors that Tornado logged since the last call, and forget them.

    With `about`, such as "/square", only the lines that contain this string are printed.
    """
    lines = []
    for record in _records:
        message = record.getMessage().splitlines()[0]
        if about in message:
            lines.append(f"{record.levelname} {message}")
            if record.exc_info:
                lines.append(f"    {_error_line(record.exc_info[1])}")
    _records.clear()
    print("\n".join(lines) or "(nothing logged)")


def attempt(source: str) -> None:
    """Run `source` in a fresh namespace; print what it prints and, if it fails, the error's one line.

    The source is a string, so that it may be Python 2.
    """
    try:
        code = compile(textwrap.dedent(source).strip("\n"), "<attempt>", "exec")
        exec(code, {"__name__": "attempt"})
    except (Exception, SystemExit) as error:
        print(_error_line(error))


def _error_line(error: BaseException) -> str:
    line = traceback.format_exception_only(error)[-1].strip()
    return re.sub(r"\. Did you mean: '\w+'\?$", "", line)  # newer Pythons guess more names


def run(source: str | Path, *args: str, timeout: float = 10, env: dict | None = None) -> None:
    """Run Python in a separate process; print its stdout, its stderr and its exit status.

    `source` is the code itself, or the Path of a script; `args` are its command line; `env` is added to the environment, in
    which local time is UTC. A traceback is cut to its last line, and a path loses the folder of this course. After
    `timeout` seconds the process is killed, and the last line says so.
    The notebook's own servers do not answer while it waits.
    """
    code = isinstance(source, str)
    program = ["-c", textwrap.dedent(source).strip("\n")] if code else [str(source)]
    same = {"PYTHONUTF8": "1", "PYTHON_COLORS": "0", "TZ": "UTC"}  # whatever the reader has set
    process = subprocess.Popen(
        [sys.executable, *program, *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="backslashreplace",
        env={**os.environ, **same, **(env or {})},
    )
    try:
        stdout, stderr = process.communicate(timeout=timeout)
        end = f"exit status {process.returncode}"
    except subprocess.TimeoutExpired:
        process.kill()
        stdout, stderr = process.communicate()
        end = f"still running after {timeout} s, ended"
    print(_here(stdout + last_lines(stderr)) + end)


def _here(text: str) -> str:
    packages = sysconfig.get_path("purelib")
    return text.replace(f"{packages}/", "site-packages/").replace(f"{_ROOT}/", "")


def last_lines(text: str) -> str:
    """The text, with each traceback in it cut to its last line, the error itself."""
    earlier = r"^[^\n]*\n\n(?:During handling of|The above exception was)[^\n]*\n\n(?=Traceback)"
    text = re.sub(earlier, "", text, flags=re.MULTILINE)
    return re.sub(r"(?ms)^Traceback \(most recent call last\):\n.*?^(?=\S)", "", text)


def folder(number: int) -> Path:
    """The folder of a chapter, such as .../chapters/02_options."""
    [found] = (_ROOT / "chapters").glob(f"{number:02d}_*")
    return found
