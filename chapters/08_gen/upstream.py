"""A stand-in for a Mastodon server's timelines of hashtags: the same address and format, and a delay.

The posts are made up. Four tags misbehave: "late" takes ten times as long; "trickle" does too, but
sends a byte now and then; "broken" gets a 500, "gone" a 404.

Run it:  .venv/bin/python chapters/07_sync_versus_async/upstream.py --port=9000
Try it:  curl 'http://127.0.0.1:9000/api/v1/timelines/tag/tornado?limit=40'
"""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from subprocess import PIPE, Popen

import tornado.web
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.options import define, options, parse_command_line

POSTS = {"tornado": 40, "python": 20, "rain": 8, "咖啡": 12, "AC/DC": 16}  # other tags: 4
ERRORS = {"broken": 500, "gone": 404}
processes = []  # keeps a reference to each: without one, the pipe to its stdin would close


class TimelineHandler(tornado.web.RequestHandler):
    async def get(self, tag):
        self.set_header("Content-Type", "application/json; charset=utf-8")
        delay = self.settings["delay"]
        if tag == "trickle":
            for _ in range(100):
                self.write(" ")  # JSON may begin with spaces
                await self.flush()
                await asyncio.sleep(delay / 10)
        else:
            await asyncio.sleep(10 * delay if tag == "late" else delay)
        if tag in ERRORS:
            raise tornado.web.HTTPError(ERRORS[tag])
        now, count = datetime.now(UTC), POSTS.get(tag, 4)
        ages = [timedelta(seconds=400 * number / count) for number in range(1, count + 1)]
        tags = [{"name": tag}, {"name": "rain" if tag == "python" else "python"}]
        posts = [{"created_at": (now - age).isoformat(), "tags": tags} for age in ages]
        self.write(json.dumps(posts))


def start(delay=1.0):
    """Serve the timelines in a process of their own, which ends with ours; return their address."""
    os.environ["no_proxy"] = os.environ.get("no_proxy", "") + ",127.0.0.1"  # no proxy reaches us
    given = ["--child", "--port=0", "--logging=critical", f"--delay={delay}"]
    command = [sys.executable, __file__, *given]
    process = Popen(command, stdin=PIPE, stdout=PIPE, text=True, start_new_session=True)
    processes.append(process)
    if address := process.stdout.readline().strip():
        return address
    raise OSError("the stand-in for the timeline did not start")


async def main():
    define("port", default=9000, help="the port to listen on; 0 is any free one", type=int)
    define("delay", default=1.0, help="how many seconds a response takes")
    define("child", default=False, help="end when stdin is closed")
    parse_command_line()
    routes = [(r"/api/v1/timelines/tag/([^/]+)", TimelineHandler)]
    [sock] = bind_sockets(options.port, "127.0.0.1", backlog=2048)
    HTTPServer(tornado.web.Application(routes, delay=options.delay)).add_socket(sock)
    print(f"http://127.0.0.1:{sock.getsockname()[1]}", flush=True)
    if options.child:
        await asyncio.to_thread(sys.stdin.read)  # until the process that started this one ends
    else:
        await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
    except OSError as error:  # such as a port that is in use
        sys.exit(f"upstream.py: {error}")
