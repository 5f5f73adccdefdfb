"""What is behind a failure: the likeliest cause, found by looking at the exception, the status, the learner's lines."""

from __future__ import annotations

import functools
import re

from course import claims
from course.harness.failures import Failure

NAMES = {
    "METHODS": "get|head|post|put|patch|delete|options|open|prepare|initialize",
    "ASYNC_WITH": "Condition|Lock|Semaphore|BoundedSemaphore|Timeout|timeout|TaskGroup",
}
TABLE = r"""
TypeError | works on a MongoDB server only
    {text}
TypeError | Async\w*Cursor can't be used in 'await'|Async\w*Cursor' object can't be awaited|object (Command)?Cursor can't be used in 'await'|'(Command)?Cursor' object can't be awaited
    find() returns a cursor, not a coroutine: await its to_list(), or loop over it with async for.
TypeError | 'Async\w*Cursor' object is not iterable
    A cursor of the asynchronous API needs async for, or await cursor.to_list().
AttributeError | '(Command)?Cursor' object has no attribute 'to_list'
    mongomock, the embedded database, has no to_list(): list(cursor) does the same there and on a server.
TypeError | BulkOperationBuilder\.\w+\(\) got an unexpected keyword argument
    mongomock, the embedded database, cannot do this operation of bulk_write(): update_one(), update_many() and replace_one() work there and on a server.
ValueError | values to unpack .*raised in mongomock
    To sort by several fields, mongomock takes a list of pairs, [("name", 1)], as a server does.
NotImplementedError | .*
    mongomock, the embedded database, cannot do this: write it with other operations, which work there and on a server.
TypeError | \.(METHODS)\(\) takes .* positional arguments? but|\.(METHODS)\(\) got an unexpected
    The method takes self, and one more argument for each group in parentheses in the route's pattern.
TypeError | \.(METHODS)\(\) missing .* required positional argument
    The method takes an argument for which the route's pattern has no group in parentheses.
TypeError | write\(\) only accepts
    self.write() takes a string, bytes or a dict: put a list into a dict, and await a coroutine.
TypeError | a coroutine was expected, got <(_asyncio\.)?(Future|_GatheringFuture)
    create_task() takes a coroutine, and this call returned a Future, which has started already: await that.
InvalidStateError | ^Result is not
    The Future has no result yet: await it.
TypeError|AttributeError | '(\w+\.)*(ASYNC_WITH)' object does not support the context manager|^__(enter|exit)__$|lock.*has no attribute '__enter__'|'(\w+\.)*(ASYNC_WITH)' object has no attribute '__(enter|exit)__'
    The context managers of asyncio may have to wait: write async with.
RuntimeError | un-acquired lock
    Use the Condition inside async with condition: notify_all() and wait_for() need its lock.
RuntimeError | changed size during iteration
    The loop's body changes the collection that it loops over: loop over a copy, list(...).
.* | '(\w+\.)*\w*Future' object|[Oo]bject of type \w*(Future|Task) |'(\w+\.)*Task' object
    This is a Future, not its result: write await in front of the call that returned it (under @gen.coroutine: yield).
.* | never awaited|'coroutine'|'async_generator'|[Oo]bject of type (coroutine|async_generator)
    An await is missing in front of a call.
.* | 'generator' object|[Oo]bject of type generator
    A function with a yield in it returns a generator: it needs @gen.coroutine, or async def with await.
TypeError | object list can't|'list' object can't
    A list of Futures cannot be awaited: await asyncio.gather(*futures).
TypeError | can't be used in 'await'|can't be awaited
    The value after await is not a coroutine and not a Future: an ordinary call needs no await.
RuntimeError | after finish\(\)|finish\(\) called twice
    The response was already sent when this line ran: is a return missing above it?
RuntimeError | cannot be called from a running event loop|loop is already running|another loop is running
    The event loop is already running when a handler is called: await the coroutine there.
TypeError | Object of type (ObjectId|datetime) is not JSON serializable
    JSON has no ObjectId and no datetime: bson.json_util writes both, or leave the field out.
TypeError | is not JSON serializable
    JSON has strings, numbers, lists, dicts, true, false and null: turn the value into one of those.
TypeError | Unsupported header value
    set_header() takes a string, a number or a datetime: join a list first, such as with ', '.join(...).
Error | Option '[\w-]+' already defined
    tornado.options.options is one parser for the whole program, and it has this option already: make your own OptionParser().
TypeError | not NoneType$
    A value is None here where a string or a path is needed: look at where it comes from.
tornado\.httpclient\.\w+ | .*
    This HTTPError is tornado.httpclient's, which a client raises for a response: catch it; to send a status, raise tornado.web.HTTPError.
AttributeError | module '(?:tornado|pymongo)\.?(?P<module>[\w.]*)' has no attribute '(?P<name>\w+)'
    This name does not exist today. {now}
TypeError | object is not callable\. If you meant to call the '(?P<name>\w+)'
    This method does not exist today. {now}
TypeError | ^'bool' object is not callable
    A function is needed here, and this is already True or False: write lambda: in front of the condition.
TypeError | ^'(str|bytes|int|float|dict|list|tuple|set|NoneType)' object is not callable
    The value in front of the parentheses is not a function.
RuntimeError | Cannot send body with status code
    This status has no body: after set_status() return, without write().
RuntimeError | Method not supported for Web Sockets
    A WebSocket has no response to write: send with self.write_message().
JSONDecodeError | .*
    json.loads() raises ValueError for a string that is not JSON: catch it.
ConnectionRefusedError | .*
    A refused connection raises an OSError, not an HTTPClientError: catch both.
TypeError | compare offset-naive and offset-aware
    Only one of the two times has a time zone: call .replace(tzinfo=UTC) on the time without one.
TimeoutError | .*
    A time limit ended this wait, and the code does not catch TimeoutError.
UnboundLocalError | .*
    This name got no value in the branch that ran: is a return or a raise missing above?
NameError | .*
    This name does not exist here: is it spelled as where it was defined, is its import at the top?
AttributeError | Did you mean: '(?P<name>\w+)'
    Did you mean {name}?
"""
"""The type of the exception and what its text is like, both patterns; below it the cause. The first one counts."""


@functools.cache
def patterns() -> list[tuple[str, str, str]]:
    """TABLE as (type, text, cause)."""
    table = TABLE
    for name, pattern in NAMES.items():
        table = table.replace(name, pattern)
    return re.findall(r"^(\S+) \| (.*)\n +(.*)$", table, re.MULTILINE)


GENERATOR = (
    "A method with a yield in it needs @gen.coroutine; in an async def write await, not yield."
)
RETURNED = "A handler responds with self.write(); the value that its method returns is not sent."
NOTHING_WRITTEN = "Nothing was written before get() ended: does it call self.write(), and await the call that leads there?"
RAISED = "Your code raises this exception and does not catch it."
NOT_DONE = "This task is not done yet."
NO_ANSWER = (
    "The handler waits for something that does not come, without a time limit (asyncio.timeout, request_timeout), or it "
    "never finishes its response."
)


def explains(error: dict) -> str:
    """The cause that an exception names by itself, or nothing."""
    not_awaited = re.search(r"can't be used in 'await'|can't be awaited", error["text"])
    if not_awaited and not error["lines"]:
        return GENERATOR if "generator" in error["text"] else RETURNED
    for kind, pattern, cause in patterns():
        if re.fullmatch(kind, error["type"]) and (found := re.search(pattern, error["text"])):
            named = found.groupdict()
            return cause.format(**named, now=_now(**named), text=error["text"])
    return ""


def _now(module: str = "", name: str = "", **_) -> str:
    """Where the reader of the notes finds what became of a name, if the notes have it."""
    for whole in (f"{module}.{name}".strip("."), name):
        if whole in _names_of_the_notes():
            return f"make now NAME={whole} says what to write instead."
    return "The documentation of this version says what there is."


@functools.cache
def _names_of_the_notes() -> set[str]:
    """The names that `make now` knows."""
    names = {each for name in claims.read().names for each in [name.name, *name.aliases]}
    return names | {name.rpartition(".")[2] for name in names}


def of_exception(error: dict) -> Failure:
    """The failure of an exception that came out of make_app() or of another function that a check calls."""
    if error["kind"] == "todo":
        return Failure("todo", "", "NotImplementedError", NOT_DONE, lines=error["lines"])
    return Failure(error["kind"], "", _shown(error), explains(error), lines=error["lines"])


def _late(error: dict) -> bool:
    return error["type"] == "RuntimeError" and "after finish()" in error["text"]


def _shown(error: dict) -> str:
    return f"{error['type']}: {error['text']}".removesuffix(": ")


def of_import(error: dict) -> Failure:
    """The failure of a file that does not import."""
    guard = 'move it below if __name__ == "__main__".'
    causes = {
        "exit": f"Something at the top level ends the program: {guard}",
        "port": f"Something at the top level listens on a port: {guard} "
        "Or another program has the port.",
        "SyntaxError": "Python cannot read the file from this line on, or from the line above it.",
        "IndentationError": "Python cannot read the file here: a line is indented too far or not far enough.",
        "TabError": "Tabs and spaces are mixed at the start of a line: use spaces only.",
        "ModuleNotFoundError": "The course does not install this package; the tasks need none "
        "that is missing.",
        "UnicodeDecodeError": "The file is not UTF-8: save it as UTF-8 in your editor.",
    }
    cause = causes.get(error["kind"]) or causes.get(error["type"]) or explains(error)
    if "'await' outside" in error["text"]:
        cause = "await works in an async def only; in a method with @gen.coroutine write yield."
    if re.search("codec can't decode|encoding declar", error["text"]):
        cause = causes["UnicodeDecodeError"]
    cause = cause or "The top level of the file raises this exception."
    return Failure(error["kind"], "", _shown(error), cause, lines=error["lines"])


def add_news(
    failure: Failure, news: dict, request=None, expected: bool = False, raised: str = ""
) -> bool:
    """Add each exception and each coroutine never awaited that the program logged during the check. Returns whether any.

    The last one of `request` (or of no request at all) says the cause and the lines; without one, the last of another request. If
    the exceptions of `request` are `expected`, they are left out. The cause stays if it explains types like `raised` too.
    """
    summary = f"{request.method} {request.target}" if request else ""
    mine = [e for e in news["errors"] if e["request"] == summary and summary]
    free = [e for e in news["errors"] if not e["request"]]
    others = [e for e in news["errors"] if e not in mine and e not in free]
    if any(error["kind"] == "todo" for error in news["errors"]):
        failure.kind, failure.cause = "todo", NOT_DONE
        return True
    found = [*others, *([] if expected else mine), *free]
    found.sort(key=lambda error: error["type"] != "RuntimeWarning")  # an exception says more
    if not found:
        return False
    for error in [e for i, e in enumerate(found) if e not in found[:i]][-3:]:
        by = f"{error['request']} raised " if error in others else ""
        failure.got += f"\n{by}{_shown(error)[:500]}"
    if failure.kind == "wrong" and found[-1] not in others:
        failure.kind = "error"
    failure.lines = found[-1]["lines"]
    if not (failure.cause and raised and re.fullmatch(raised, found[-1]["type"])):
        failure.cause = explains(found[-1]) or RAISED
        if failure.cause == RAISED and (status := re.match(r"4\d\d\b", failure.expected)):
            failure.cause += f" The client should get {status[0]}."
    return True


def of_answer(failure: Failure, answer, news: dict, where: dict, raised: str = "") -> None:
    """Add to a failure what is behind an answer: the exception or the refusal, and the lines it comes from.

    `news` is what the learner's process logged, `where` the first line of what answers such a request.
    """
    refused = [each for each in news["refusals"] if each["status"] == answer.status]
    empty = answer.status == 200 and not answer.body and answer.request.method == "GET"
    if empty:
        # What a task writes after its request ended is logged before the check looks, or after: the verdict is the same.
        news = news | {"errors": [e for e in news["errors"] if e["request"] or not _late(e)]}
    if answer.status == 501:
        failure.kind, failure.cause = "todo", NOT_DONE
    elif add_news(
        failure, news, answer.request, answer.status == 500 and answer.status_is_right, raised
    ):
        pass
    elif answer.status_is_right:
        if empty:
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
                f'The argument "{name[1]}" is missing where this line looks, and there is no default: '
                "get_body_argument() reads a form, get_query_argument() the query."
            )
        failure.cause = failure.cause or f"This line responds with {answer.status}."
    failure.cause = failure.cause or f"The handler responds with {answer.status}."
    if not failure.lines and where:
        failure.lines = [where]


def of_socket(failure: Failure, news: dict, where: dict) -> None:
    """The same for a WebSocket."""
    if failure.kind == "todo":
        failure.cause = NOT_DONE
    elif add_news(failure, news):
        failure.kind = "todo" if failure.kind == "todo" else "error"
    if not failure.lines and where:
        failure.lines = [where]
