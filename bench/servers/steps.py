"""One handler in three styles; each waits for so many things, one after the other: /await?steps=10."""

import asyncio

import tornado.web
from tornado import gen
from tornado.options import define, options, parse_command_line


def step():
    """The least thing to wait for: a Future that has its result in the loop's next turn."""
    future = asyncio.Future()
    asyncio.get_running_loop().call_soon(future.set_result, None)
    return future


class StepsHandler(tornado.web.RequestHandler):
    def prepare(self):
        self.steps = int(self.get_query_argument("steps"))


class CallbackHandler(StepsHandler):
    def get(self):
        self.answered = asyncio.Future()
        self.next()
        return self.answered

    def next(self, done=None):
        if not self.steps:
            self.write("done\n")
            self.answered.set_result(None)
            return
        self.steps -= 1
        step().add_done_callback(self.next)


class CoroutineHandler(StepsHandler):
    @gen.coroutine
    def get(self):
        for _ in range(self.steps):
            yield step()
        self.write("done\n")


class AwaitHandler(StepsHandler):
    async def get(self):
        for _ in range(self.steps):
            await step()
        self.write("done\n")


async def main():
    define("port", type=int)
    parse_command_line()
    styles = {"callback": CallbackHandler, "coroutine": CoroutineHandler, "await": AwaitHandler}
    app = tornado.web.Application([(f"/{name}", style) for name, style in styles.items()])
    app.listen(options.port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
