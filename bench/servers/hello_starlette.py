"""Chapter 1's answer by Starlette, on uvicorn."""

import argparse
import asyncio

import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def hello(request):
    greeting = request.query_params.get("greeting", "Hello")
    return PlainTextResponse(f"{greeting}, friendly user!\n")


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--logging")
    given = parser.parse_args()
    app = Starlette(routes=[Route("/", hello)])
    config = uvicorn.Config(
        app, "127.0.0.1", given.port, http="httptools", access_log=False, log_level="error"
    )
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main())
