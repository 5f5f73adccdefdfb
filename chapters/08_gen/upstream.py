"""A stand-in for Mastodon's public hashtag timeline: its address and its format, a set delay.

The posts are made up from the seed and the tag. Their ages never change: a tag keeps its rate.

Run it:  python upstream.py --port=9000 --delay=1
Try it:  curl 'http://localhost:9000/api/v1/timelines/tag/tornado?limit=2'
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import tornado.web
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.options import define, options, parse_command_line

WINDOW = 300  # seconds: Mastodon counts the requests of five minutes
WORDS = ["bread", "coffee", "garden", "light", "music", "paper", "rain", "river", "train", "wind"]
PEOPLE = ["alice", "bodil", "chen", "dimitri", "emeka", "farah"]


@lru_cache(maxsize=1000)
def posts(tag, seed):
    """The forty newest posts of a tag, newest first: (age in seconds, JSON without its time)."""
    dice = random.Random(f"{seed} {tag}")
    gap = 10 ** dice.uniform(-0.5, 1.5)  # seconds from post to post, on average
    age, made = 0.0, []
    for number in range(40):
        age += dice.expovariate(1 / gap)
        author, also, text = dice.choice(PEOPLE), dice.choice(WORDS), dice.sample(WORDS, 4)
        post = {
            "id": str(116_000_000_000_000_000 - number * 65_536_000),
            "in_reply_to_id": None,
            "sensitive": False,
            "visibility": "public",
            "language": "en",
            "url": f"https://mastodon.example/@{author}/{number}",
            "favourites_count": dice.randrange(20),
            "content": f"<p>{' '.join(text)}</p>",
            "account": {"username": author, "acct": author, "display_name": author.title()},
            "tags": [
                {"name": name, "url": "https://mastodon.example/tags"} for name in (tag, also)
            ],
        }
        made.append((age, json.dumps(post)))
    return made


def timeline(tag, seed, limit):
    """The JSON of a tag's newest posts, at most `limit`, as they are now."""
    now = datetime.now(UTC)
    return ",".join(
        f'{{"created_at": "{mastodon_time(now - timedelta(seconds=age))}", {post[1:]}'
        for age, post in posts(tag, seed)[:limit]
    )


def mastodon_time(moment):
    """A moment as Mastodon writes it: 2026-11-22T12:37:18.123Z."""
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


class TimelineHandler(tornado.web.RequestHandler):
    def prepare(self):
        asked = self.settings["asked"]
        window = int(time.time()) // WINDOW
        if asked["window"] != window:
            asked.update(window=window, count=0)
        asked["count"] += 1
        self.show_limit()
        if asked["count"] > self.settings["limit"]:
            raise tornado.web.HTTPError(429, reason="Too many requests")

    async def get(self, tag):
        try:
            limit = min(40, max(1, int(self.get_query_argument("limit", "20"))))
        except ValueError:
            raise tornado.web.HTTPError(400, reason="limit is no number") from None
        await asyncio.sleep(self.settings["delay"])
        if self.settings["dice"].random() < self.settings["error_rate"]:
            raise tornado.web.HTTPError(500)
        posts = "" if self.settings["empty"] else timeline(tag, self.settings["seed"], limit)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.write(f"[{posts}]")

    def show_limit(self):
        asked, limit = self.settings["asked"], self.settings["limit"]
        reset = datetime.fromtimestamp((asked["window"] + 1) * WINDOW, UTC)
        self.set_header("X-RateLimit-Limit", str(limit))
        self.set_header("X-RateLimit-Remaining", str(max(0, limit - asked["count"])))
        self.set_header("X-RateLimit-Reset", mastodon_time(reset))

    def write_error(self, status_code, **kwargs):
        self.show_limit()
        self.finish({"error": self._reason})


def make_app(delay=1.0, error_rate=0.0, empty=False, seed=310, limit=100_000):
    """The stand-in, which answers after `delay` seconds.

    `error_rate`: the share of requests, 0 to 1, that are answered 500. `empty`: no tag has posts.
    `seed`: another one makes other posts. `limit`: after so many requests in five minutes, 429.
    """
    return tornado.web.Application(
        [(r"/api/v1/timelines/tag/([^/]+)", TimelineHandler)],
        delay=delay,
        error_rate=error_rate,
        empty=empty,
        seed=seed,
        limit=limit,
        asked={"window": None, "count": 0},
        dice=random.Random(seed),
    )


@contextmanager
def stand_in(**settings):
    """Run this file as a process of its own, with the settings of `make_app`; gives its address.

    The process ends with ours, even when ours is killed: it watches its stdin, and that pipe closes
    in every case. Raises RuntimeError if it does not start.
    """
    # A proxy that the environment names would be asked for our own machine, too.
    os.environ["no_proxy"] = f"{urllib.request.getproxies().get('no', '')},127.0.0.1"
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    command = [sys.executable, __file__, "--port=0", "--child", "--logging=critical", *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        address = process.stdout.readline().strip()
        if not address:
            raise RuntimeError("the stand-in for the timeline did not start")
        yield address


async def main():
    define("port", default=9000, help="run on the given port; 0 is any free one")
    define("delay", default=1.0, help="answer after so many seconds")
    define("error_rate", default=0.0, help="the share of requests that are answered 500: 0 to 1")
    define("empty", default=False, help="no tag has any posts")
    define("seed", default=310, help="another seed makes other posts")
    define("limit", default=100_000, help="answer 429 after so many requests in five minutes")
    define("child", default=False, help="end when stdin closes")
    parse_command_line()
    [socket] = bind_sockets(options.port, "127.0.0.1", backlog=2048)
    names = ("delay", "error_rate", "empty", "seed", "limit")
    app = make_app(**{name: options[name] for name in names})
    HTTPServer(app).add_socket(socket)
    print(f"http://127.0.0.1:{socket.getsockname()[1]}", flush=True)
    if options.child:
        await asyncio.to_thread(sys.stdin.read)
    else:
        await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
