"""What the checks of chapter 8 do in the learner's process."""

import inspect

from tornado import gen
from tornado.httputil import HTTPServerRequest


class _Connection:
    context = None

    def set_close_callback(self, callback):
        pass


def style(exercise, path):
    """How the get() of the handler of a path is written: "async", "coroutine", "generator" or "plain"."""
    request = HTTPServerRequest("GET", path, host="localhost", connection=_Connection())
    app = exercise.make_app("http://127.0.0.1:1")
    get = inspect.unwrap(
        app.find_handler(request).handler_class.get, stop=gen.is_coroutine_function
    )
    if gen.is_coroutine_function(get):
        return "coroutine"
    if inspect.iscoroutinefunction(get):
        return "async"
    return "generator" if inspect.isasyncgenfunction(get) else "plain"
