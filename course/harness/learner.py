"""The checks' side of the learner's process: it is given orders, asked over HTTP, and always ended."""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from pathlib import Path

from course.harness import causes
from course.harness.answers import Answer, Pending, Request
from course.harness.failures import Failure, Wrong
from course.harness.process import Gone, Process, Stuck

READY_SECONDS = 20.0
"""How long the process may take to be ready: Python's own start, and the packages that take long to import."""
IMPORT_SECONDS = 3.0
"""How long an exercise may take to import."""


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
        return App(
            self, self.order("serve", stage=stage, stages=str(self.stages), given=given)["port"]
        )

    def call(self, stage: str, **given):
        """The result of a stage's function, which is called in the learner's process."""
        return self.order("call", stage=stage, stages=str(self.stages), given=given)["result"]

    def lines_of(self, name: str) -> list[dict]:
        """The first line of a function or class of the exercise, such as "Feed.after", as `lines` of a failure."""
        with contextlib.suppress(Wrong):
            if line := self.order("line_of", name=name):
                return [line]
        return []

    def wrong(self, expected: str, got: str, cause: str, at: str = "", replay: str = "") -> None:
        """Fail the check where no answer is at hand; `at` names the function or class that it is about."""
        failure = Failure("wrong", str(expected), str(got), cause, replay)
        failure.lines = self.lines_of(at) if at else []
        failure.printed = self.printed()
        raise Wrong(failure)

    def order(self, do: str, seconds: float = 3.0, **given) -> dict:
        """Have the process do something; an exception in the learner's code fails the check."""
        self._start()
        try:
            reply = self._process.ask({"do": do, **given}, seconds)
        except Stuck:
            self._trouble("blocks", f"nothing for {seconds:g} s", "This call does not return.")
        except Gone:
            self._ended()
        if "error" in reply:
            raise Wrong(causes.of_exception(reply["error"]))
        return reply

    def is_stuck(self) -> bool:
        """Whether the learner's event loop does not turn at all."""
        try:
            self._process.ask({"do": "ping"}, 0.6)
        except (Stuck, Gone):
            return True
        return False

    def stuck_lines(self) -> list[dict]:
        return self._process.standing_at(self.file)

    def printed(self) -> str:
        return self._process.printed()

    def settle(self) -> None:
        """Between two checks: go on with the same process if it still answers, else with a new one."""
        if self._imported and self.is_stuck():
            self.replace()

    def replace(self) -> None:
        """End the process, and have a new one ready."""
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

    def _trouble(self, kind: str, got: str, cause: str) -> None:
        failure = Failure(kind, "", got, cause, lines=self.stuck_lines(), printed=self.printed())
        self.replace()
        raise Wrong(failure) from None

    def _ended(self) -> None:
        got = f"the program ended, exit status {self._process.status()}"
        failure = Failure("exit", "", got, "Your code ended the process.", printed=self.printed())
        self.replace()
        raise Wrong(failure) from None


class App:
    """The learner's application, served. Paths are sent as they are given."""

    def __init__(self, learner: Learner, port: int):
        self._learner = learner
        self.port = port

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

    def ask_without_blocking(
        self, path: str, method: str = "GET", *, limit: float = 0.25, cause: str, **request
    ) -> Answer:
        """Send one request, and others while it is under way: the check fails if one of those was held up.

        The others go to a path that no route has. `limit` is in seconds. It is tried twice before it counts: a machine
        that is busy with other things holds requests up as well, but not each time.
        """
        for attempt in (1, 2):
            answer, failure = self._watched(Request(path, method, **request), limit, cause)
            if failure is None:
                break
            if attempt == 2:
                raise Wrong(failure)
        return answer

    def _watched(
        self, first: Request, limit: float, cause: str
    ) -> tuple[Answer | None, Failure | None]:
        """The answer to a request, and how others were held up by it."""
        pending = Pending(self, first)
        time.sleep(0.02)
        longest, lines = 0.0, []
        while not pending.done:
            other = Pending(self, Request("/is-anybody-there", timeout=first.timeout))
            other._thread.join(limit)
            if not other.done and not lines:
                lines = self._learner.stuck_lines()
            longest = max(longest, other.answer().elapsed)
            if longest <= limit:
                time.sleep(0.01)
        if longest <= limit:
            return pending.answer(), None
        got = f"the second request was held up for {longest:.1f} s"
        expected = "a second request answered while this one waits"
        with contextlib.suppress(Wrong):
            pending.answer()
            lines = lines or [self._where(first)]
        return None, Failure("blocks", expected, got, cause, first.curl(), lines)

    def websocket(self, path: str, headers: dict | None = None):
        """Open a WebSocket; the check fails if the handshake does."""
        from course.harness.sockets import Socket

        return Socket(self, path, headers)

    def lines_of(self, name: str) -> list[dict]:
        """As Learner.lines_of."""
        return self._learner.lines_of(name)

    def send(self, request: Request) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=request.timeout)
        began = time.monotonic()
        try:
            connection.putrequest(request.method, request.target, skip_accept_encoding=True)
            headers = dict(request.headers)
            if request.body is not None:
                headers.setdefault("Content-Length", str(len(request.body)))
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(request.body)
            return Answer(self, request, connection.getresponse(), began)
        except TimeoutError:
            raise self._no_answer(request) from None
        except (OSError, http.client.HTTPException) as error:
            failure = Failure("error", "an answer", f"no answer: {error!r}")
            failure.replay = request.curl()
            raise Wrong(failure) from None
        finally:
            connection.close()

    def explain(self, failure: Failure, answer: Answer) -> None:
        """Add what only the learner's process knows: the exception behind a 500, the handler's line."""
        with contextlib.suppress(Wrong):
            news = self._learner.order("news")
            causes.of_answer(failure, answer, news, self._where(answer.request))
        failure.printed = self._learner.printed()

    def explain_socket(self, failure: Failure, path: str) -> None:
        """The same for a WebSocket."""
        with contextlib.suppress(Wrong):
            causes.of_socket(failure, self._learner.order("news"), self._where(Request(path)))
        failure.printed = self._learner.printed()

    def _where(self, request: Request) -> dict:
        """The first line of what answers such a request."""
        return self._learner.order("where", method=request.method, path=request.target)

    def _no_answer(self, request: Request) -> Wrong:
        stuck = self._learner.is_stuck()
        failure = Failure(
            "blocks" if stuck else "timeout",
            f"an answer within {request.timeout:g} s",
            "none, and the event loop stands still" if stuck else "none",
            "While this line runs, the event loop answers nobody."
            if stuck
            else "The handler waits for something that does not come, or never ends its answer.",
            request.curl(),
        )
        if stuck:
            failure.lines = self._learner.stuck_lines()
        else:
            with contextlib.suppress(Wrong):
                where = self._where(request)
                failure.lines = [where] if where else []
        failure.printed = self._learner.printed()
        if threading.current_thread() is threading.main_thread():
            self._learner.replace()
        return Wrong(failure)
