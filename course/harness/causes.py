"""What is behind a failure: the likeliest cause, found by looking at the exception, the status, the learner's lines."""

from __future__ import annotations

import re

from course.harness.failures import Failure

METHODS = "get|head|post|put|patch|delete|options|open|prepare|initialize"
PATTERNS = [
    # (type of the exception or "", what its text is like, the cause)
    (
        "TypeError",
        rf"\.({METHODS})\(\) takes .* positional arguments? but|\.({METHODS})\(\) got an unexpected",
        "The method takes self, and one argument more for each pair of brackets in the route's pattern.",
    ),
    (
        "TypeError",
        rf"\.({METHODS})\(\) missing .* required positional argument",
        "The method wants an argument, and the route's pattern has no pair of brackets for it.",
    ),
    (
        "TypeError",
        r"write\(\) only accepts",
        "self.write() takes a text, bytes or a dict: a list must be inside a dict, and a coroutine lacks its await.",
    ),
    (
        "TypeError",
        r"a coroutine was expected, got <(_asyncio\.)?Future",
        "create_task() wants a coroutine, and this call returned a Future, which has begun already: await that.",
    ),
    (
        "InvalidStateError",
        r"^Result is not",
        "The Future has no result yet: await it.",
    ),
    (
        "TypeError",
        r"'Semaphore' object does not support the context manager",
        "A semaphore of asyncio may have to wait: write async with.",
    ),
    (
        "",
        r"never awaited|'coroutine'|[Oo]bject of type (coroutine|Future|Task)|'(\w+\.)*\w*(Future|Task)' object",
        "An await is missing in front of a call.",
    ),
    (
        "TypeError",
        r"object list can't|'list' object can't",
        "A list of Futures cannot be awaited: await asyncio.gather(*futures).",
    ),
    (
        "TypeError",
        r"can't be used in 'await'|can't be awaited",
        "What stands after await is no coroutine and no Future: an ordinary call needs no await.",
    ),
    (
        "RuntimeError",
        r"after finish\(\)|finish\(\) called twice",
        "The answer is finished already when this line runs: is a return missing above it?",
    ),
    (
        "RuntimeError",
        r"cannot be called from a running event loop|loop is already running|another loop is running",
        "The event loop runs already when a handler is called: await the coroutine there.",
    ),
    (
        "TypeError",
        r"Object of type (ObjectId|datetime) is not JSON serializable",
        "JSON knows no ObjectId and no datetime: bson.json_util writes both, or leave the field out.",
    ),
    (
        "TypeError",
        r"is not JSON serializable",
        "JSON knows texts, numbers, lists, dicts, true, false and null: turn the value into one of those.",
    ),
    (
        "AttributeError",
        r"module '(?:tornado|pymongo)\.?(?P<module>[\w.]*)' has no attribute '(?P<name>\w+)'",
        "There is no such name today. If it is one of the notes', make now NAME={module}.{name} says what to write.",
    ),
    (
        "TypeError",
        r"object is not callable\. If you meant to call the '(?P<name>\w+)'",
        "There is no such method today. If it is one of the notes', make now NAME={name} says what to write.",
    ),
    (
        "TypeError",
        r"^'(str|bytes|int|float|bool|dict|list|tuple|set|NoneType)' object is not callable",
        "What stands before the brackets is a value and no function.",
    ),
    (
        "RuntimeError",
        r"Cannot send body with status code",
        "This status has no body: after set_status() return, without write().",
    ),
    (
        "TypeError",
        r"compare offset-naive and offset-aware",
        "Of the two times one knows its zone and the other does not: .replace(tzinfo=UTC) on the one that does not.",
    ),
    (
        "UnboundLocalError",
        r"",
        "This name got no value on the way that the code took: is a return or a raise missing above?",
    ),
    (
        "NameError",
        r"",
        "Nothing has this name here: is it spelled as where it was made, is its import at the top?",
    ),
]

GENERATOR = (
    "A method with a yield in it needs @gen.coroutine; in an async def it is await, not yield."
)
RETURNED = "A handler answers with self.write(); what its method returns is no answer."
NOTHING_WRITTEN = "Nothing was written before get() ended: does it call self.write(), and await what calls it later?"
RAISED = "Your code raises this exception, and nobody catches it."
NOT_DONE = "This task is not done yet."


def explains(error: dict) -> str:
    """The cause that an exception names by itself, or nothing."""
    not_awaited = re.search(r"can't be used in 'await'|can't be awaited", error["text"])
    if not_awaited and not error["lines"]:
        return GENERATOR if "generator" in error["text"] else RETURNED
    for kind, pattern, cause in PATTERNS:
        if kind in ("", error["type"]) and (found := re.search(pattern, error["text"])):
            return cause.format(**found.groupdict()).replace("NAME=.", "NAME=")
    return ""


def of_exception(error: dict) -> Failure:
    """The failure of an exception that came out of make_app() or of another function that a check calls."""
    if error["kind"] == "todo":
        return Failure("todo", "", "NotImplementedError", NOT_DONE, lines=error["lines"])
    got = f"{error['type']}: {error['text']}"
    return Failure(error["kind"], "", got, explains(error), lines=error["lines"])


def of_import(error: dict) -> Failure:
    """The failure of a file that does not import."""
    guard = 'move it below if __name__ == "__main__".'
    causes = {
        "exit": f"Something at the top level ends the program: {guard}",
        "port": f"Something at the top level listens on a port: {guard} "
        "Or another program has the port.",
        "SyntaxError": "Python cannot read the file from this line on, or from the line above it.",
        "IndentationError": "Python cannot read the file here: a line stands too far left or right.",
        "TabError": "Tabs and blanks are mixed at the start of a line: take blanks only.",
        "ModuleNotFoundError": "The course does not install this package; the tasks need none "
        "that is missing.",
        "UnicodeDecodeError": "The file is not UTF-8: save it as UTF-8 in your editor.",
    }
    cause = causes.get(error["kind"]) or causes.get(error["type"]) or explains(error)
    if "'await' outside" in error["text"]:
        cause = "await stands in an async def only; in a method with @gen.coroutine it is yield."
    if re.search("codec can't decode|encoding declar", error["text"]):
        cause = causes["UnicodeDecodeError"]
    cause = cause or "The top level of the file raises this exception."
    failure = Failure(error["kind"], "", f"{error['type']}: {error['text']}", cause)
    failure.lines = error["lines"]
    return failure


def of_answer(failure: Failure, answer, news: dict, where: dict) -> None:
    """Add to a failure what is behind an answer: the exception or the refusal, and the lines it comes from.

    `news` is what the learner's process logged, `where` the first line of what answers such a request.
    """
    request = f"{answer.request.method} {answer.request.target} "
    mine = [each for each in news["errors"] if each["request"] in ("", request)]
    other = [
        each for each in mine if not each["request"]
    ]  # in write_error, in a task, in a callback
    refused = [each for each in news["refusals"] if each["status"] == answer.status]
    if answer.status == 501 or any(error["kind"] == "todo" for error in news["errors"]):
        failure.kind, failure.cause = "todo", NOT_DONE
    elif other or (mine and answer.status == 500 and not answer.status_is_right):
        error = (other or mine)[-1]
        failure.kind, failure.lines = "error", error["lines"]
        failure.got += f"\n{error['type']}: {error['text']}"
        failure.cause = explains(error) or failure.cause
    elif answer.status_is_right:
        if answer.status == 200 and not answer.body and answer.request.method == "GET":
            failure.cause = NOTHING_WRITTEN
    elif answer.status == 404 and "make_app" in where.get("code", ""):
        failure.cause = f"No route of make_app() matches {answer.request.path}."
    elif answer.status == 405:
        failure.cause = f"The handler of this path has no method {answer.request.method.lower()}()."
    elif refused:
        failure.lines = refused[-1]["lines"]
        failure.got += f"\n{refused[-1]['text']}" if refused[-1]["text"] else ""
        if name := re.match(r"Missing argument (\w+)", refused[-1]["text"]):
            failure.cause = (
                f'No argument "{name[1]}" came where this line looks, and there is no default: '
                "get_body_argument() reads a form, get_query_argument() the query."
            )
    if not failure.lines and where:
        failure.lines = [where]


def of_socket(failure: Failure, news: dict, where: dict) -> None:
    """The same for a WebSocket."""
    errors = news["errors"]
    if failure.kind == "todo" or any(error["kind"] == "todo" for error in errors):
        failure.kind, failure.cause = "todo", NOT_DONE
    elif errors:
        failure.kind, failure.lines = "error", errors[-1]["lines"]
        failure.got += f"\n{errors[-1]['type']}: {errors[-1]['text']}"
        failure.cause = explains(errors[-1]) or failure.cause
    if not failure.lines and where:
        failure.lines = [where]
