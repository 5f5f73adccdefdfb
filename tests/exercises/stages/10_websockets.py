"""What the checks of chapter 10 run inside the learner's process."""

import asyncio
import gc

from tornado.websocket import WebSocketClosedError, WebSocketHandler


class StandIn:
    """A client as Ballot.tell() sees it."""

    def __init__(self, number, kind, ballot):
        self.number, self.kind, self.ballot = number, kind, ballot
        self.told = []
        self.closed = False

    def __hash__(self):
        return self.number  # a set of few small numbers keeps their order

    def __eq__(self, other):
        return self is other

    def write_message(self, message, binary=False):
        future = asyncio.get_running_loop().create_future()
        match self.kind:
            case "gone":
                raise WebSocketClosedError
            case "going":
                future.set_exception(WebSocketClosedError())
                return future
            case "slow":
                return future
            case "leaving":
                self.ballot.clients.discard(self)
        return asyncio.ensure_future(self._deliver(message))

    async def _deliver(self, message):
        await asyncio.sleep(0.01)
        self.told.append(message)

    def close(self, code=None, reason=None):
        self.closed = True


async def tell(exercise, kind):
    """Tell thirty clients, of which all but every sixth are of this kind; what became of them, by number."""
    ballot = exercise.Ballot()
    kinds = ["healthy" if number % 6 == 5 else kind for number in range(30)]
    clients = [StandIn(number, each, ballot) for number, each in enumerate(kinds)]
    for client in clients:
        ballot.clients.add(client)
    error = ""
    task = asyncio.ensure_future(ballot.tell(ballot.state()))
    healthy = [client for client in clients if client.kind == "healthy"]
    for _ in range(50):
        await asyncio.sleep(0.02)
        if all(client.told for client in healthy):
            break
    late = [client for client in healthy if not client.told]
    deadline = asyncio.get_running_loop().time() + 1.2
    slow = [client for client in clients if client.kind == "slow"]
    while (
        not all(client.closed for client in slow) and asyncio.get_running_loop().time() < deadline
    ):
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.02)
    missed = [client.number for client in healthy if client in late]
    twice = [client.number for client in healthy if len(client.told) > 1]
    if task.done() and task.exception():
        error = repr(task.exception())
    task.cancel()
    open_still = [client.number for client in slow if not client.closed]
    closed = [client.number for client in healthy if client.closed]
    return {"missed": missed, "twice": twice, "error": error, "open": open_still, "closed": closed}


def handlers_kept(exercise):
    """How many handlers of WebSockets are in memory."""
    gc.collect()
    return sum(issubclass(type(each), WebSocketHandler) for each in gc.get_objects())
