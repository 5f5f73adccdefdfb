"""Requests to the learner's application, and what comes back."""

from __future__ import annotations

import functools
import http.client
import json as jsonlib
import shlex
import socket
import string
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from typing import NoReturn

from course.harness.failures import Failure, Wrong

PATIENCE = 5.0
"""Seconds that a request may take, where the check does not say another time: far more than a busy machine needs."""
MOST = 2**23
"""Bytes of a body that are read: no task asks for so many."""


@dataclass
class Request:
    """One request. `form` is sent as a form, `json` as JSON, `body` (string or bytes) as it is.

    `late` is the likeliest cause, in one sentence, if no response comes within `timeout` seconds.
    """

    path: str
    method: str = "GET"
    form: dict | list | None = None
    json: object = None
    body: str | bytes | None = None
    headers: dict = field(default_factory=dict)
    timeout: float = PATIENCE
    late: str = ""

    def __post_init__(self):
        self.headers = dict(self.headers or {})
        if self.form is not None:
            self.body = urllib.parse.urlencode(self.form, doseq=True)
            self.headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        elif self.json is not None:
            self.body = jsonlib.dumps(self.json, ensure_ascii=False)
            self.headers.setdefault("Content-Type", "application/json")
        if self.body is not None and self.method == "GET":
            self.method = "POST"
        self.content = self.body.encode() if isinstance(self.body, str) else self.body

    @property
    def target(self) -> str:
        """The path as it is sent: letters such as 中 percent-encoded, and what has a meaning left alone."""
        return urllib.parse.quote(self.path, safe=string.punctuation)

    def curl(self) -> str:
        """The request as a command to paste while the exercise runs on port 8000."""
        words, before = ["curl", "-i"], ""
        fields = self.form.items() if isinstance(self.form, dict) else self.form or []
        for name, value in fields:
            for each in value if isinstance(value, list) else [value]:
                words += ["--data-urlencode", f"{name}={each}"]
        if self.form is None and self.content is not None:
            try:
                words += ["--data-binary", _shortened(self.content.decode(), 200)]
            except UnicodeDecodeError:  # a terminal cannot take such bytes: printf makes them
                before = (
                    "printf '" + "".join(f"\\{byte:03o}" for byte in self.content[:50]) + "' | "
                )
                words += ["--data-binary", "@-"]
        implied = "GET" if self.body is None else "POST"
        if self.method == "HEAD":
            words[1] = "-I"
        elif self.method != implied:
            words += ["-X", self.method]
        for name, value in self.headers.items():
            if not (self.form is not None and name == "Content-Type"):
                words += ["-H", f"{name}: {value}"]
        return before + shlex.join([*words, f"http://127.0.0.1:8000{_shortened(self.path, 200)}"])


class Answer:
    """What came back: `status`, `reason`, `headers` (looked up in any case), `body`, `text`, `elapsed` seconds."""

    def __init__(
        self,
        app,
        request: Request,
        response: http.client.HTTPResponse,
        sock: socket.socket,
        began: float,
    ):
        self._app = app
        self.request = request
        self.body = _body(response, sock, began + request.timeout)
        self.status = response.status
        self.reason = response.reason
        self.headers = response.headers
        self.elapsed = time.monotonic() - began
        self.status_is_right = False  # the check asked for this status: it needs no explanation

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", errors="replace")

    def json(self, cause: str = "Answer with self.write() of a dict: Tornado sends it as JSON."):
        """The body read as JSON; the check fails if it is not JSON."""
        try:
            return jsonlib.loads(self.body)
        except ValueError:
            self.wrong("JSON", cause=cause)

    def expect(
        self,
        status: int | None = None,
        *,
        text: str | None = None,
        json: object = None,
        contains: str | None = None,
        lacks: str | None = None,
        headers: dict | None = None,
        cause: str = "",
        raised: str = "",
    ) -> Answer:
        """Fail the check unless the answer is so; `cause` is the likeliest cause in one sentence.

        An exception in the program explains itself, and `cause` is not shown, unless `raised` is a pattern for the
        type of this exception, such as "ValueError": then `cause` explains it too.

        `text` is the whole body but for white space at its end, `contains` and `lacks` parts of it, `json` the body's
        value, `headers` names and values (None: missing). Returns the answer, to go on with.
        """
        wrong = functools.partial(self.wrong, cause=cause, raised=raised)
        if status is not None and self.status != status:
            of_body = any(each is not None for each in (text, json, contains))
            if of_body and status < 400 <= self.status:
                wrong = functools.partial(wrong, cause="")  # the cause explains the body
            wrong(self._wanted(status, text, json, contains))
        self.status_is_right = status is not None
        if text is not None and self.text.rstrip() != text.rstrip():
            wrong(_shortened(text))
        if json is not None and self.json() != json:
            wrong(jsonlib.dumps(json, ensure_ascii=False))
        if contains is not None and contains not in self.text:
            wrong(f"an answer with {contains!r} in it")
        if lacks is not None and lacks in self.text:
            wrong(f"an answer without {lacks!r}")
        for name, value in (headers or {}).items():
            if (got := self.headers.get(name)) != value:
                wrong(_header(name, value), _header(name, got))
        return self

    def wrong(
        self,
        expected: str,
        got: str | None = None,
        cause: str = "",
        kind: str = "wrong",
        raised: str = "",
    ) -> NoReturn:
        """Fail the check with this answer; without `got` the answer itself is shown. `raised` is as in expect()."""
        failure = Failure(kind, str(expected), self._shown() if got is None else str(got), cause)
        failure.replay = self.request.curl()
        failure.reproducible = self._app.reproduces(self.request)
        self._app.explain(failure, self, raised)
        raise Wrong(failure)

    def _wanted(self, status: int, text, json, contains) -> str:
        if json is not None:
            return f"{status} {jsonlib.dumps(json, ensure_ascii=False)}"
        if text is not None:
            return f"{status}\n{_shortened(text)}" if text else f"{status}, and no body"
        return f"{status}, with {contains!r} in it" if contains else str(status)

    def _shown(self) -> str:
        line = f"{self.status} {self.reason}"
        if self.status >= 400 and self.text.startswith("<html><title>"):
            return line  # Tornado's own page says no more than the status line
        return f"{line}\n{_shortened(self.text.rstrip())}" if self.body else line


class Pending:
    """A request that is under way, in a thread of its own."""

    def __init__(self, app, request: Request):
        self._result: Answer | BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(app, request), daemon=True)
        self._thread.start()

    def _run(self, app, request: Request) -> None:
        try:
            self._result = app.send(request)
        except BaseException as error:
            self._result = error

    @property
    def done(self) -> bool:
        return self._result is not None

    def answer(self) -> Answer:
        """Wait for the answer; the check fails if it does not come in the request's time."""
        self._thread.join()
        if isinstance(self._result, Answer):
            return self._result
        assert self._result  # the thread has ended: it left an answer or an exception
        raise self._result


class Endless(Exception):
    """A response that is longer than any that a task asks for; the status stands in the message."""


def _body(response: http.client.HTTPResponse, sock: socket.socket, deadline: float) -> bytes:
    """The body of a response that ends in time. Raises TimeoutError, HTTPException or Endless if it does not."""
    body = bytearray()
    while chunk := response.read1(65536):
        body += chunk
        if len(body) > MOST:
            raise Endless(f"{response.status} {response.reason}, and more than {MOST} bytes")
        if (left := deadline - time.monotonic()) <= 0:
            raise TimeoutError
        sock.settimeout(left)
    if response.length:  # so many bytes were announced and did not come
        raise http.client.IncompleteRead(bytes(body[:100]), response.length)
    return bytes(body)


def _header(name: str, value: str | None) -> str:
    return f"no header {name}" if value is None else f"{name}: {value}"


def _shortened(text: str, limit: int = 400) -> str:
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"
