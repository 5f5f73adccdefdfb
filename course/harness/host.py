"""The process that the learner's code runs in: `python host.py ORDERS REPLIES STACKS FILE`, three descriptors and its path.

It takes orders, one JSON object a line, and replies in the same way: import the exercise, serve its application on a free
port, call one of its functions, say which lines of it answer a request, say what went wrong since. Whatever the
learner's code does, loop for ever, exit, print or crash, it does here, and the checks look on from outside.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import gc
import importlib.util
import inspect
import itertools
import json
import logging
import os
import signal
import sys
import tokenize
import traceback
from pathlib import Path

import tornado.web
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.testing import bind_unused_port


def lines_of(error: BaseException, folder: Path) -> list[dict]:
    """The lines of a traceback that are the learner's own, outermost first."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        {"line": f.lineno, "code": f.line or ""} for f in frames if folder == _folder(f.filename)
    ]
    if isinstance(error, SyntaxError) and error.filename and folder == _folder(error.filename):
        own.append({"line": error.lineno, "code": (error.text or "").strip()})
    return [line for line, _ in itertools.groupby(own)]


def _folder(filename: str) -> Path | None:
    """The folder of a frame's file; None for frames such as <frozen importlib>."""
    return None if filename.startswith("<") else Path(filename).resolve().parent


class Errors(logging.Handler):
    """Keeps the exceptions that Tornado and asyncio log, since no answer carries them, and each HTTPError."""

    def __init__(self, folder: Path):
        super().__init__(logging.ERROR)
        self.folder = folder
        self.seen: list[dict] = []
        self.refusals: list[dict] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1]:
            request = str(record.args[0]) if "Uncaught exception %s" in record.msg else ""
            found = described(record.exc_info[1], self.folder)
            self.seen.append(found | {"request": request.partition("(")[0]})

    def watch_refusals(self) -> None:
        """See each HTTPError too, which Tornado hands to log_exception() of the handler."""
        log_exception = tornado.web.RequestHandler.log_exception

        def log(handler, kind, error, trace):
            if isinstance(error, tornado.web.HTTPError):
                found = {"status": error.status_code, "text": error.get_message() or ""}
                self.refusals.append(found | {"lines": lines_of(error, self.folder)})
            log_exception(handler, kind, error, trace)

        tornado.web.RequestHandler.log_exception = log

    def news(self) -> dict:
        """What came since the last time."""
        news = {"errors": self.seen, "refusals": self.refusals}
        self.seen, self.refusals = [], []
        return news


def described(error: BaseException, folder: Path) -> dict:
    """An exception as the checks need it: its kind of failure, its text, the learner's lines."""
    text = str(error) or repr(error)
    if isinstance(error, SyntaxError):
        text = error.msg
    kind = "error"
    if isinstance(error, NotImplementedError):
        kind = "todo"
    elif isinstance(error, OSError) and "in use" in text:
        kind = "port"
    return {
        "kind": kind,
        "type": type(error).__name__,
        "text": text,
        "lines": lines_of(error, folder),
    }


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
        """That the event loop turns."""
        return {}

    async def where(self, method: str, path: str) -> dict:
        """The first line of what answers a request, if it is the learner's own."""
        request = HTTPServerRequest(
            start_line=RequestStartLine(method, path, "HTTP/1.1"),
            headers=HTTPHeaders({"Host": "localhost"}),
            connection=_Nobody(),
        )
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
                if Path(inspect.getsourcefile(found)).resolve() == self.file:
                    above = 0
                    while code[above].lstrip().startswith("@"):
                        above += 1
                    return {"line": line + above, "code": code[above].strip()}
        return {}

    def _stage(self, stages: str, name: str):
        module = load(Path(stages), "stage")
        if "mongomock" in sys.modules:
            catch_up()
        return getattr(module, name)


def catch_up() -> None:
    """Give mongomock what it lacks of PyMongo: Cursor.to_list, bulk_write of replacements, a look at sort's directions."""
    from mongomock import collection

    if hasattr(collection.Cursor, "to_list"):
        return
    collection.Cursor.to_list = lambda cursor, length=None: list(cursor)[:length]
    sort = collection.Cursor.sort

    def checked(cursor, key, direction=None):
        keys = [(key, 1 if direction is None else direction)] if isinstance(key, str) else list(key)
        if any(way not in (1, -1) for _, way in keys if isinstance(way, int)):
            raise ValueError("sort: the direction is 1 or -1")
        return sort(cursor, key, direction)

    collection.Cursor.sort = checked
    for name in ("add_replace", "add_update"):
        given = getattr(collection.BulkOperationBuilder, name)

        def add(self, *args, given=given, sort=None, **kwargs):
            return given(self, *args, **kwargs)

        setattr(collection.BulkOperationBuilder, name, add)


class _Nobody:
    """The connection of a request that only asks which handler is meant."""

    context = None

    def set_close_callback(self, callback) -> None:
        pass


def load(file: Path, name: str):
    """Import a file by its path."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
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
            answer = {"error": described(error, host.file.parent)}
        reply(answer | {"number": number})


def main() -> None:
    orders, replies, stacks = (int(number) for number in sys.argv[1:4])
    file = Path(sys.argv[4])
    faulthandler.register(signal.SIGUSR1, file=stacks)  # where is it, when it answers nothing?
    orders = os.fdopen(orders, "rb", buffering=0)
    replies = os.fdopen(replies, "w", buffering=1)

    with contextlib.suppress(OSError):
        if b"mongomock" in file.read_bytes():
            gc.disable()  # half of what is imported would be looked through for garbage
            catch_up()  # the import takes long, which is not the exercise's fault
            gc.enable()

    def reply(answer: dict) -> None:
        replies.write(json.dumps(answer, default=repr) + "\n")

    if not (line := orders.readline()):
        return
    reply({"number": json.loads(line)["number"]})
    if not (line := orders.readline()):
        return
    number = json.loads(line)["number"]
    os.chdir(file.parent)
    sys.argv = [str(file)]
    sys.path[0] = str(file.parent)
    errors = Errors(file.parent)
    errors.watch_refusals()
    for name in ("tornado.application", "asyncio"):
        logging.getLogger(name).addHandler(errors)
    logging.getLogger("tornado.access").setLevel(logging.CRITICAL)
    try:
        with tokenize.open(file) as source:
            source.read()  # an import overlooks bytes in a comment that are no UTF-8; `python file` does not
        exercise = load(file, "exercise")
    except SystemExit as error:
        reply({"number": number, "error": described(error, file.parent) | {"kind": "exit"}})
        return
    except BaseException as error:
        found = described(error, file.parent)
        kind = "port" if found["kind"] == "port" else "import"
        reply({"number": number, "error": found | {"kind": kind}})
        return
    reply({"number": number, "has": sorted(vars(exercise))})
    asyncio.run(obey(Host(file, exercise, errors), orders, reply))


if __name__ == "__main__":
    main()
