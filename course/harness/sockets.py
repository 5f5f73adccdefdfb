"""A WebSocket to the learner's application, for checks that are plain functions."""

from __future__ import annotations

from contextlib import ExitStack
from typing import NoReturn

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from course.harness.answers import PATIENCE
from course.harness.failures import Failure, Wrong


class Socket:
    """One open WebSocket. Close it, or use it in a `with` statement."""

    def __init__(self, app, path: str, headers: dict | None = None):
        self._app = app
        self._path = path
        self._then = ""
        self._replay = f".venv/bin/python -m websockets ws://127.0.0.1:8000{path}"
        url = f"ws://127.0.0.1:{app.port}{path}"
        try:
            opened = connect(
                url,
                additional_headers=headers,
                open_timeout=PATIENCE,
                close_timeout=0.5,
                proxy=None,
            )
            self._open = ExitStack()  # websockets deprecates a connect() without a with statement
            self._connection = self._open.enter_context(opened)
        except InvalidStatus as error:
            status = error.response.status_code
            got = f"{status} {error.response.reason_phrase}"
            self._fail("todo" if status == 501 else "wrong", "an open WebSocket", got, "")
        except (OSError, TimeoutError) as error:
            self._fail("timeout", "an open WebSocket", repr(error), "")

    def send(self, message: str | bytes) -> None:
        """Send a string as a text message, bytes as a binary one."""
        what = f"type {message}" if isinstance(message, str) else f"send the bytes {message!r}"
        self._then = f"      # then {what}"
        try:
            self._connection.send(message)
        except ConnectionClosed as error:
            self._fail("wrong", "an open WebSocket", f"it is closed: {error}", "")

    def receive(self, timeout: float = PATIENCE, cause: str = "") -> str | bytes:
        """The next message; the check fails if none comes within `timeout` seconds."""
        try:
            return self._connection.recv(timeout)
        except TimeoutError:
            self._fail("timeout", "a message", f"none within {timeout:g} s", cause)
        except ConnectionClosed as error:
            self._fail("wrong", "a message", f"the WebSocket was closed: {error}", cause)

    def silent(self, seconds: float = 0.2) -> str | bytes | None:
        """None if no message comes within `seconds`, else the message."""
        try:
            return self._connection.recv(seconds)
        except TimeoutError:
            return None

    def closed(self, timeout: float = PATIENCE) -> tuple[int, str]:
        """Wait for the server to close; its code and reason. Messages on the way are passed over."""
        try:
            while True:
                self._connection.recv(timeout)
        except TimeoutError:
            self._fail("timeout", "a WebSocket that the server closes", "it is still open", "")
        except ConnectionClosed as error:
            close = error.rcvd
            return (close.code, close.reason) if close else (1006, "")

    def wrong(self, expected: str, got: str, cause: str) -> NoReturn:
        """Fail the check."""
        self._fail("wrong", expected, got, cause)

    def close(self) -> None:
        self._open.close()

    def drop(self) -> None:
        """Vanish without a goodbye, as a phone in a tunnel does."""
        self._connection.socket.close()

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def _fail(self, kind: str, expected: str, got: str, cause: str) -> NoReturn:
        failure = Failure(kind, expected, got, cause, self._replay + self._then)
        self._app.explain_socket(failure, self._path)
        raise Wrong(failure) from None
