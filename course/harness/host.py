"""The process that the learner's code runs in: `python host.py ORDERS REPLIES STACKS FILE`, three descriptors and its path.

It takes orders, one JSON object a line, and replies in the same way: import the exercise, serve its application on a free
port, call one of its functions, say which lines of it answer a request, say what went wrong since. Whatever the
learner's code does, loop forever, exit, print or crash, it does here, and the checks watch from outside.
"""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import difflib
import faulthandler
import gc
import importlib.util
import inspect
import itertools
import json
import logging
import os
import re
import select
import signal
import sys
import threading
import tokenize
import traceback
from pathlib import Path

import tornado.web
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPConnection, HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.testing import bind_unused_port

MOST = 2000
"""Characters of an exception that are worth showing: it may carry megabytes."""


def lines_of(frames: traceback.StackSummary, file: Path) -> list[dict]:
    """The lines of the exercise in a traceback, outermost first; if it has none, those of the modules in its folder."""
    files = [f for f in frames if not f.filename.startswith("<")]  # such as <frozen importlib>
    own = [f for f in files if Path(f.filename).resolve() == file]
    beside = [f for f in files if Path(f.filename).resolve().parent == file.parent]
    lines = [
        {"line": f.lineno, "code": (f.line or "").strip()[:MOST], "file": Path(f.filename).name}
        for f in own or beside
    ]
    return [line for line, _ in itertools.groupby(lines)]


class Errors(logging.Handler):
    """Keeps what no response carries: exceptions that Tornado and asyncio log, warnings, and each HTTPError.

    Tornado logs a request while the exception that ended it is still being handled: sys.exc_info() has it.
    """

    def __init__(self, file: Path):
        super().__init__()
        self.file = file
        self.forget()
        logging.captureWarnings(True)
        # With this, a warning says where its coroutine was made.
        sys.set_coroutine_origin_tracking_depth(1)
        logging.getLogger("tornado.access").propagate = False
        for name in ("tornado.application", "tornado.access", "asyncio", "py.warnings"):
            logging.getLogger(name).addHandler(self)
            logging.getLogger(name).setLevel(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "py.warnings":
            self._keep_warning(record.getMessage())
        elif record.name == "tornado.access":
            error = sys.exc_info()[1]
            if isinstance(error, tornado.web.HTTPError):
                found = {"status": error.status_code, "text": (error.get_message() or "")[:MOST]}
                self.refusals.append(found | {"lines": _lines(error, self.file)})
        elif record.levelno >= logging.ERROR and record.exc_info and record.exc_info[1]:
            request = ""
            if "Uncaught exception %s" in record.msg:
                request = record.getMessage().removeprefix("Uncaught exception ").partition("(")[0]
            found = described(record.exc_info[1], self.file)
            self.errors.append(found | {"request": request.strip()})

    def _keep_warning(self, text: str) -> None:
        """A coroutine that was never awaited, if the exercise made it."""
        if not (name := re.search(r"coroutine '.*' was never awaited", text)):
            return
        places = re.findall(r'File "(.+)", line (\d+)', text) or re.findall(r"^(.+):(\d+): ", text)
        frames = traceback.StackSummary.from_list(
            [(file, int(line), "", None) for file, line in places]
        )
        if lines := lines_of(frames, self.file):
            found = {"kind": "error", "type": "RuntimeWarning", "text": name[0], "request": ""}
            self.errors.append(found | {"lines": lines})

    def forget(self) -> None:
        self.errors: list[dict] = []
        self.refusals: list[dict] = []

    def news(self) -> dict:
        """What came since the last time."""
        gc.collect()  # a coroutine in a cycle is missed only when the cycle is freed
        news = {"errors": self.errors[:20], "refusals": self.refusals[:20]}
        self.forget()
        return news


def described(error: BaseException, file: Path) -> dict:
    """An exception as the checks need it: its kind of failure, its text, the learner's lines."""
    kind, lines = "error", _lines(error, file)
    frames = traceback.extract_tb(error.__traceback__)
    try:
        text = str(error)
    except Exception:
        text = "its text cannot be shown"
    if isinstance(error, SyntaxError):
        text = error.msg
    elif isinstance(error, NotImplementedError):
        if frames and Path(frames[-1].filename).resolve() == file:
            kind = "todo"
    elif isinstance(error, OSError) and "in use" in text:
        kind = "port"
    if frames and "mongomock" in Path(frames[-1].filename).parts:
        text += " (raised in mongomock)"
    if len(text) > MOST:
        text = f"{text[:MOST]}... ({len(text)} characters)"
    return {
        "kind": kind,
        "type": _name(type(error)),
        "text": text + _suggestion(error, text),
        "lines": lines,
    }


def _lines(error: BaseException, file: Path) -> list[dict]:
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, SyntaxError) and error.filename:
        frames.append(
            traceback.FrameSummary(error.filename, error.lineno, "", line=error.text or "")
        )
    return lines_of(frames, file)


def _name(kind: type) -> str:
    """The name of a class of exceptions; with its module where two of that name are easily confused."""
    confused = kind.__name__ in ("HTTPError", "HTTPClientError")
    return f"{kind.__module__}.{kind.__name__}" if confused else kind.__name__


def _suggestion(error: BaseException, text: str) -> str:
    """Python's own "Did you mean", which it prints at the end of a program only."""
    name, names = getattr(error, "name", None), []
    if isinstance(error, AttributeError) and name:
        names = dir(error.obj)
    elif isinstance(error, NameError) and name:
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        names = [*frames[-1].f_locals, *frames[-1].f_globals, *dir(builtins)] if frames else []
    close = difflib.get_close_matches(name or "", names, n=1, cutoff=0.7)
    return f". Did you mean: '{close[0]}'?" if close and "Did you mean" not in text else ""


class Host:
    """Carries out orders on one exercise."""

    def __init__(self, file: Path, exercise, errors: Errors):
        self.file = file
        self.exercise = exercise
        self.errors = errors
        self.server: HTTPServer | None = None
        self.application: tornado.web.Application | None = None

    async def serve(self, stage: str | None, stages: str, given: dict) -> dict:
        """Serve a new application, of the exercise's make_app() or of a stage's function."""
        await self.close()
        self.errors.forget()
        if stage is None:
            application = self.exercise.make_app(**given)
        else:
            application = self._stage(stages, stage)(self.exercise, **given)
        if inspect.isawaitable(application):
            application = await application
        if not isinstance(application, tornado.web.Application):
            got = type(application).__name__
            raise TypeError(f"make_app() returned {got}, not a tornado.web.Application")
        sock, port = bind_unused_port()
        self.application = application
        self.server = HTTPServer(application)
        self.server.add_socket(sock)
        return {"port": port}

    async def call(self, stage: str, stages: str, given: dict) -> dict:
        """Call a stage's function and return its result."""
        result = self._stage(stages, stage)(self.exercise, **given)
        return {"result": await result if inspect.isawaitable(result) else result}

    async def close(self) -> dict:
        """Stop serving; open connections are closed."""
        if self.server:
            self.server.stop()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.server.close_all_connections(), 1)
            self.server = self.application = None
        return {}

    async def news(self) -> dict:
        """What was logged as an exception, and refused by an HTTPError, since the last time."""
        return self.errors.news()

    async def ping(self) -> dict:
        """Nothing: the reply says that the event loop turns."""
        return {}

    async def forget(self) -> dict:
        """Between two checks: what was logged so far belongs to the one before."""
        self.errors.forget()
        return {}

    async def where(self, method: str, path: str) -> dict:
        """The first line of what answers a request, if it is the learner's own."""
        request = HTTPServerRequest(
            start_line=RequestStartLine(method, path, "HTTP/1.1"),
            headers=HTTPHeaders({"Host": "localhost"}),
            connection=HTTPConnection(),  # a real one is not needed to find the handler
        )
        assert self.application  # a check asks where only about a request that it sent
        handler = self.application.find_handler(request).handler_class
        return self._first_line(
            getattr(handler, method.lower(), None), handler, self.exercise.make_app
        )

    async def line_of(self, name: str) -> dict:
        """The first line of what has this name, such as Feed.after, else of make_app."""
        found = self.exercise
        for part in name.split("."):
            found = getattr(found, part, None)
        return self._first_line(found, getattr(self.exercise, "make_app", None))

    def _first_line(self, *candidates) -> dict:
        """The line with the def or class of the first of these that is the learner's own."""
        for candidate in candidates:
            with contextlib.suppress(TypeError, OSError):
                found = inspect.unwrap(candidate)
                code, line = inspect.getsourcelines(found)
                if Path(inspect.getsourcefile(found) or "").resolve() == self.file:
                    above = 0
                    while code[above].lstrip().startswith("@"):
                        above += 1
                    return {"line": line + above, "code": code[above].strip()}
        return {}

    def _stage(self, stages: str, name: str):
        return getattr(load(Path(stages), "stage"), name)


def load(file: Path, name: str):
    """Import a file by its path."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec and spec.loader  # as every .py file has
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def obey(host: Host, orders, reply) -> None:
    """Carry out orders until there are no more."""
    reader = asyncio.StreamReader(limit=2**24)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), orders)
    while line := await reader.readline():
        order = json.loads(line)
        number = order.pop("number")
        try:
            answer = await getattr(host, order.pop("do"))(**order)
        except Exception as error:
            answer = {"error": described(error, host.file)}
        reply(answer | {"number": number})


def end_with(orders: int) -> None:
    """End this process and its group as soon as the checks have ended, whatever the learner's code is doing."""
    hang_up = select.poll()
    hang_up.register(orders, 0)  # a hang-up is always reported
    hang_up.poll()
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    ordered, replied, stacks = (int(number) for number in sys.argv[1:4])
    file = Path(sys.argv[4])
    for descriptor in (ordered, replied, stacks):
        os.set_inheritable(descriptor, False)
    threading.Thread(target=end_with, args=[ordered], daemon=True).start()
    faulthandler.register(signal.SIGUSR1, file=stacks)  # where is it, when it does not reply?
    orders = os.fdopen(ordered, "rb", buffering=0)
    replies = os.fdopen(replied, "w", buffering=1)

    if not file.is_file():  # to open a FIFO would wait
        return
    with contextlib.suppress(OSError):
        if re.search(rb"mongomock|memory|pymongo", file.read_bytes()):
            gc.disable()  # half of what is imported would be looked through for garbage
            import mongomock  # noqa: F401 - it takes half a second, which pytest needs to start too

            gc.enable()

    def reply(answer: dict) -> None:
        try:
            text = json.dumps(answer, default=repr)
            if len(text) > 2**24:
                raise ValueError(f"a result of {len(text)} characters")
        except (ValueError, RecursionError) as error:
            text = json.dumps({"number": answer["number"], "error": described(error, file)})
        replies.write(text + "\n")

    if not (line := orders.readline()):
        return
    reply({"number": json.loads(line)["number"]})
    if not (line := orders.readline()):
        return
    number = json.loads(line)["number"]
    os.chdir(file.parent)
    sys.argv = [str(file)]
    sys.path[0] = str(file.parent)
    errors = Errors(file)
    try:
        with tokenize.open(file) as source:
            source.read()  # an import ignores bytes in a comment that are not UTF-8; `python file` does not
        exercise = load(file, "exercise")
    except BaseException as error:
        found = described(error, file)
        if isinstance(error, SystemExit):
            found["kind"] = "exit"
        elif found["kind"] != "port":
            found["kind"] = "import"
        reply({"number": number, "error": found})
        return
    reply({"number": number, "has": sorted(vars(exercise))})
    asyncio.run(obey(Host(file, exercise, errors), orders, reply))


if __name__ == "__main__":
    main()
