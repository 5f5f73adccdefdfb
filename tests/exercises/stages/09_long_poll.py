"""What the checks of chapter 9 look at inside the learner's process."""

import asyncio
import gc
import types

import tornado.web

KINDS = (
    asyncio.Future,
    asyncio.Event,
    tornado.web.RequestHandler,
    types.CoroutineType,
    types.MethodType,
    types.FunctionType,
)


def handlers_at_work(exercise):
    """How many handlers have begun and not ended."""
    return sum("RequestHandler._execute" in repr(task.get_coro()) for task in asyncio.all_tasks())


def waiters_kept(exercise):
    """How many objects exist that a poll may have made and left somewhere."""
    gc.collect()
    return sum(
        issubclass(type(each), KINDS) or type(each).__module__ == "exercise"
        for each in gc.get_objects()
    )
