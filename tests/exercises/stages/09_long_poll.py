"""What the checks of chapter 9 look at inside the learner's process."""

import asyncio


def handlers_at_work(exercise):
    """How many handlers have begun and not ended."""
    return sum("RequestHandler._execute" in repr(task.get_coro()) for task in asyncio.all_tasks())
