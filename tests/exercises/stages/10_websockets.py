"""What the checks of chapter 10 run inside the learner's process."""

import asyncio

from tornado.websocket import WebSocketClosedError


class StandIn:
    """A client as Ballot.tell() sees it."""

    def __init__(self, number, kind, ballot):
        self.number, self.kind, self.ballot = number, kind, ballot
        self.told = []

    def __hash__(self):
        return self.number  # a set of few small numbers is walked in their order

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
        self.told.append(message)
        future.set_result(None)
        return future

    def close(self, code=None, reason=None):
        pass


async def tell(exercise, kind):
    """Tell ten clients, of which the first and the fifth are of this kind; the others' numbers, told and not told."""
    ballot = exercise.Ballot()
    kinds = [kind if number in (0, 4) else "healthy" for number in range(10)]
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
    missed = [client.number for client in healthy if len(client.told) != 1]
    if task.done() and task.exception():
        error = repr(task.exception())
    task.cancel()
    return {"missed": missed, "error": error}
