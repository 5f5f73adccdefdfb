"""The checks' side of the learner's process: it is given orders, asked over HTTP, and always ended."""

from __future__ import annotations

import contextlib
import http.client
import select
import threading
import time
from pathlib import Path
from typing import NoReturn

from course.harness import causes
from course.harness.answers import Answer, Endless, Pending, Request
from course.harness.failures import Failure, Wrong
from course.harness.process import Gone, Process, Stuck

READY_SECONDS = 20.0
"""How long the process may take to be ready: Python's own start, and the packages that take long to import."""
IMPORT_SECONDS = 12.0
"""How long an exercise may take to import. A busy machine, or packages not compiled yet, take their time too."""
ORDER_SECONDS = 6.0
"""How long a function of the exercise may take to return: this limit only ends what hangs."""


class Learner:
    """The learner's exercise: `serve()` and `call()` as a check needs it. One process, replaced after trouble."""

    def __init__(self, file: Path, stages: Path, process: Process | None = None):
        self.file = file.resolve()
        self.stages = stages
        self._process = process or Process(self.file)
        self._imported = False
        self._hopeless: Failure | None = None

    def serve(self, stage: str | None = None, **given) -> App:
        """The application of make_app(**given), or of a stage's function, served on a free port."""
        if stage is None:
            self._need("make_app")
        reply = self.order("serve", stage=stage, stages=str(self.stages), given=given)
        reproducible = stage is None and not given
        return App(self, self._process, reply["port"], reproducible)

    def call(self, stage: str, **given):
        """The result of a stage's function, which is called in the learner's process."""
        return self.order("call", stage=stage, stages=str(self.stages), given=given)["result"]

    def lines_of(self, name: str) -> list[dict]:
        """The first line of a function or class of the exercise, such as "Feed.after", as `lines` of a failure."""
        with contextlib.suppress(Wrong):
            if line := self.order("line_of", name=name):
                return [line]
        return []

    def wrong(
        self, expected: str, got: str, cause: str, at: str = "", replay: str = ""
    ) -> NoReturn:
        """Fail the check where no answer is at hand; `at` names the function or class that it is about."""
        failure = Failure("wrong", str(expected), str(got), cause, replay)
        with contextlib.suppress(Wrong):
            causes.add_news(failure, self.news())
        failure.lines = failure.lines or (self.lines_of(at) if at else [])
        failure.printed = self.printed()
        raise Wrong(failure)

    def news(self) -> dict:
        """What the program logged since the check began or since the last call: "errors" and "refusals".

        An error is an exception or a coroutine that was never awaited, with "type", "text", "lines" and "request".
        """
        return self.order("news")

    def order(self, do: str, seconds: float = ORDER_SECONDS, **given) -> dict:
        """Have the process do something; an exception in the learner's code fails the check."""
        self._start()
        return self.order_to(self._process, do, seconds, **given)

    def order_to(self, process: Process, do: str, seconds: float = ORDER_SECONDS, **given) -> dict:
        """As order(), of a process that may have been replaced by now."""
        try:
            reply = process.ask({"do": do, **given}, seconds)
        except Stuck:
            failure = Failure("blocks", "", f"nothing for {seconds:g} s")
            failure.cause = "This call does not return in time."
            failure.lines = process.stuck_lines()
            self._trouble(failure)
        except Gone:
            failure = Failure("exit", "", f"the program ended, exit status {process.status()}")
            failure.cause = "Your code ended the process."
            self._trouble(failure)
        if "error" in reply:
            raise Wrong(causes.of_exception(reply["error"]))
        return reply

    def stuck_lines(self, main_thread: bool = False) -> list[dict]:
        """The lines of the exercise that are being run now, in the event loop's thread or else in another."""
        return self._process.stuck_lines(main_thread)

    def printed(self) -> str:
        return self._process.printed()

    def settle(self) -> None:
        """Between two checks: go on with the same process if it still answers, else with a new one."""
        if self._imported:
            try:
                self._process.ask({"do": "forget"}, 2.0)
            except (Stuck, Gone):
                self.replace()

    def replace(self) -> None:
        """End the process, and have a new one ready; only a check does, not the threads that it started."""
        if threading.current_thread() is not threading.main_thread():
            return
        self._process.close()
        self._process = Process(self.file)
        self._imported = False

    def close(self) -> None:
        self._process.close()

    def _need(self, name: str) -> None:
        self._start()
        if name not in self._has:
            failure = Failure("missing", f"a function {name} in {self.file.name}", "no such name")
            failure.cause = (
                "The checks call it, as main() does in the starter: give it its name back."
            )
            failure.whole = True
            raise Wrong(failure)

    def _start(self) -> None:
        """Import the exercise, once a process. What fails here fails every check."""
        if self._hopeless:
            raise Wrong(self._hopeless)
        if self._imported:
            return
        try:
            self._process.ask({"do": "get ready"}, READY_SECONDS)
            reply = self._process.ask({"do": "import"}, IMPORT_SECONDS)
        except Stuck:
            self._hopeless = Failure(
                "timeout",
                f"an import of {self.file.name} that ends",
                f"it still runs after {IMPORT_SECONDS:g} s",
                "Something at the top level loops or serves: move it below "
                'if __name__ == "__main__".',
                lines=self.stuck_lines(),
            )
        except Gone:
            self._hopeless = Failure(
                "exit",
                got=f"the program ended, exit status {self._process.status()}",
                cause='Something at the top level ends it: move it below if __name__ == "__main__".',
            )
        else:
            if "error" in reply:
                self._hopeless = causes.of_import(reply["error"])
        if self._hopeless:
            self._hopeless.printed = self.printed()
            self._hopeless.whole = True
            raise Wrong(self._hopeless)
        self._has = reply["has"]
        self._imported = True

    def _trouble(self, failure: Failure) -> NoReturn:
        failure.printed = self.printed()
        self.replace()
        raise Wrong(failure) from None


class App:
    """The learner's application, served. Paths are sent as they are given."""

    def __init__(self, learner: Learner, process: Process, port: int, reproducible: bool):
        self._learner = learner
        self._process = process
        self.port = port
        self.reproducible = reproducible
        """Whether `make run-N` serves the same application on the same data; a check may say so of a stage."""
        self._changed: Request | None = None

    def ask(self, path: str, method: str = "GET", **request) -> Answer:
        """Send one request (see Request) and return the answer, whatever its status."""
        return self.send(Request(path, method, **request))

    def start(self, path: str, method: str = "GET", **request) -> Pending:
        """Send one request and go on while it is under way."""
        return Pending(self, Request(path, method, **request))

    def together(self, requests: list[tuple[str, dict]]) -> list[Answer]:
        """Send requests at the same time; the answers come in the order of the requests."""
        pending = [self.start(path, **request) for path, request in requests]
        return [each.answer() for each in pending]

    def websocket(self, path: str, headers: dict | None = None):
        """Open a WebSocket; the check fails if the handshake does."""
        from course.harness.sockets import Socket

        return Socket(self, path, headers)

    def lines_of(self, name: str) -> list[dict]:
        """As Learner.lines_of."""
        return self._learner.lines_of(name)

    def reproduces(self, request: Request) -> bool:
        """Whether this request alone shows the same with `make run-N`: no request before it changed something."""
        return self.reproducible and self._changed in (None, request)

    def send(self, request: Request) -> Answer:
        if request.method not in ("GET", "HEAD"):
            self._changed = self._changed or request
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=request.timeout)
        began = time.monotonic()
        try:
            connection.putrequest(request.method, request.target, skip_accept_encoding=True)
            headers = dict(request.headers)
            if request.content is not None:
                headers.setdefault("Content-Length", str(len(request.content)))
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(request.content)
            sock = connection.sock
            if not select.select([sock], [], [], 1)[0] and self._process.stands_still():
                raise TimeoutError
            return Answer(self, request, connection.getresponse(), sock, began)
        except TimeoutError:
            raise self._no_answer(request) from None
        except (OSError, http.client.HTTPException, Endless) as error:
            raise self._broken_answer(request, error) from None
        finally:
            connection.close()

    def explain(self, failure: Failure, answer: Answer, raised: str = "") -> None:
        """Add what only the learner's process knows: the exception behind a 500, the handler's line."""
        with contextlib.suppress(Wrong):
            where = self._where(answer.request)
            causes.of_answer(failure, answer, self._order("news"), where, raised)
        failure.printed = self._process.printed()

    def explain_socket(self, failure: Failure, path: str) -> None:
        """The same for a WebSocket."""
        with contextlib.suppress(Wrong):
            causes.of_socket(failure, self._order("news"), self._where(Request(path)))
        failure.printed = self._process.printed()

    def _order(self, do: str, **given) -> dict:
        return self._learner.order_to(self._process, do, **given)

    def _where(self, request: Request) -> dict:
        """The first line of what answers such a request."""
        return self._order("where", method=request.method, path=request.target)

    def _broken_answer(self, request: Request, error: Exception) -> Wrong:
        """What went wrong if the connection ended before the response did, or the response has no end."""
        failure = Failure("error", "an answer", f"no answer: {error!r}")
        failure.cause = "The connection was closed before a whole response came."
        if isinstance(error, Endless):
            failure.got = str(error)
            failure.cause = "The response does not end: the handler goes on writing."
        return self._completed(failure, request)

    def _no_answer(self, request: Request) -> Wrong:
        stuck = self._process.is_stuck()
        failure = Failure("timeout", f"an answer within {request.timeout:g} s", "none")
        failure.cause = request.late or causes.NO_ANSWER
        if stuck:
            failure.kind, failure.got = "blocks", "none, and the event loop stands still"
            failure.cause = "While this line runs, the event loop cannot answer any request."
            failure.lines = self._process.stuck_lines()
        wrong = self._completed(failure, request, ask=not stuck)
        self._learner.replace()
        return wrong

    def _completed(self, failure: Failure, request: Request, ask: bool = True) -> Wrong:
        """A failure without an answer, with the request and with what the learner's process knows, if it can be asked."""
        failure.replay, failure.reproducible = request.curl(), self.reproduces(request)
        try:
            if ask:
                causes.add_news(failure, self._order("news"), request)
                where = self._where(request)
                failure.lines = failure.lines or ([where] if where else [])
        except Wrong as ended:
            if ended.failure.kind == "exit":
                failure.got, failure.cause = ended.failure.got, ended.failure.cause
        failure.printed = self._process.printed()
        return Wrong(failure)
