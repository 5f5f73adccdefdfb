"""mongomock with PyMongo's asynchronous API: a collection in memory whose operations are awaited.

Nothing in memory has to wait, so each operation runs in the event loop's own thread, as a whole. Before each operation
other handlers run, as they do while a handler waits for a server.
"""

import asyncio
import inspect
import itertools
from collections.abc import Mapping

from pymongo.asynchronous import collection as pymongo_collection

IGNORED = {  # by mongomock
    "collation": 'a regular expression with "$options": "i" ignores case in memory too',
    "hint": "leave it out, it changes only the speed",
    "session": "leave it out, a change of one document is atomic without it",
}


class AsyncCollection:
    """`pause()` is awaited before each operation on mongomock's `collection`."""

    def __init__(self, collection, pause=lambda: asyncio.sleep(0)):
        self._collection, self._pause = collection, pause

    def find(self, *args, **options):
        return AsyncCursor(self._collection.find(*args, **supported(options)), self._pause)

    def __getattr__(self, name):
        method = getattr(self._collection, name)
        pymongo_method = getattr(pymongo_collection.AsyncCollection, name, None)
        if not inspect.iscoroutinefunction(pymongo_method):
            return method

        async def operation(*args, **options):
            options = supported(options)
            await self._pause()
            if name == "create_index":
                args = [pairs(*args)]
            result = method(*args, **options)
            return AsyncCursor(result, self._pause) if name == "aggregate" else result

        operation.__qualname__ = f"AsyncCollection.{name}"  # for "... was never awaited"
        return operation


class AsyncCursor:
    def __init__(self, cursor, pause):
        self._cursor, self._pause = cursor, pause

    def sort(self, keys, direction=1):
        self._cursor.sort(pairs(keys, direction))
        return self

    def skip(self, count):
        self._cursor.skip(count)
        return self

    def limit(self, count):
        self._cursor.limit(count)
        return self

    def collation(self, collation):
        return supported({"collation": collation})

    async def to_list(self, length=None):
        await self._pause()
        return list(itertools.islice(self._cursor, length))

    def __aiter__(self):
        return self

    async def __anext__(self):
        await self._pause()
        for document in self._cursor:
            return document
        raise StopAsyncIteration


def supported(options):
    """The options as mongomock wants them. Raises TypeError for those that it would ignore."""
    for name, instead in IGNORED.items():
        if options.get(name) is not None:
            raise TypeError(f"{name} works on a MongoDB server only: {instead}")
    if isinstance(options.get("sort"), str):
        raise TypeError('the option sort takes a list or a dict, such as ["word"]')
    return options | {"sort": pairs(options["sort"])} if options.get("sort") else options


def pairs(keys, direction=1):
    """Any sort keys that PyMongo accepts, "a", ["a"], [("a", 1)] or {"a": 1}, as [("a", 1)]."""
    if isinstance(keys, str):
        return [(keys, direction)]
    keys = keys.items() if isinstance(keys, Mapping) else keys
    return [(key, 1) if isinstance(key, str) else key for key in keys]
