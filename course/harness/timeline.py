"""The timeline that the learner's application asks while it is checked: it is slow, and it counts who asks."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

RATES = {"tornado": 0.5, "python": 0.25, "rain": 0.1, "咖啡": 0.3, "AC/DC": 0.2}
"""The posts per second of each tag; the others have 0.05."""
ERRORS = {"broken": 500, "gone": 404}
"""The tags that are answered with an error."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # its own is 5: more that come at once would wait for a second


class SlowTimeline:
    """`url` is its address. Each answer takes `delay` seconds; the tag "late" takes ten times as long.

    `asked` are the tags that were asked for, in order; `before_late` those of them that were asked for before "late" was
    answered; `at_once` is the most that were under way at one moment.
    """

    def __init__(self):
        timeline = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                timeline._answer(self)

            def log_message(self, *_):
                pass

        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.reset()

    def reset(self, delay: float = 0.35) -> SlowTimeline:
        """Begin to count anew."""
        self.delay, self.asked, self.before_late, self.at_once, self._now = delay, [], [], 0, 0
        self._over = threading.Event()
        return self

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        tag = unquote(urlsplit(request.path).path.rpartition("/")[2])
        over = self._over
        with self._lock:
            self.asked.append(tag)
            self._now += 1
            self.at_once = max(self.at_once, self._now)
        over.wait(self.delay * (10 if tag == "late" else 1))
        with self._lock:
            self._now -= 1
            if tag == "late":
                self.before_late = list(self.asked)
        age = timedelta(seconds=400)
        posts = [{"created_at": (datetime.now(UTC) - age).isoformat()}] * round(
            400 * RATES.get(tag, 0.05)
        )
        body = b"no" if tag in ERRORS else json.dumps(posts).encode()
        try:
            request.send_response(ERRORS.get(tag, 200))
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)
        except OSError:
            pass  # the learner's application did not wait for it

    def close(self) -> None:
        """End it, and all answers that are still to come."""
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
