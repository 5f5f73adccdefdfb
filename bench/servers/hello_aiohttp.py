"""Chapter 1's answer by aiohttp."""

import argparse
import asyncio

from aiohttp import web


async def hello(request):
    greeting = request.query.get("greeting", "Hello")
    return web.Response(text=f"{greeting}, friendly user!\n")


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--logging")
    given = parser.parse_args()
    app = web.Application()
    app.add_routes([web.get("/", hello)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", given.port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
