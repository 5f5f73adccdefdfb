"""What a hashtag's timeline tells us: where it is, and how fast its posts appear."""

import json
from datetime import UTC, datetime
from urllib.parse import quote

from tornado.httputil import url_concat


def timeline_url(api, tag):
    """The address of a tag's newest posts on the Mastodon server `api`."""
    return url_concat(f"{api}/api/v1/timelines/tag/{quote(tag, safe='')}", {"limit": 40})


def posts_per_second(body, now=None):
    """The rate at which posts appear: their number over the seconds since the oldest of them.

    `body` is the timeline's JSON. The seconds run up to `now`, not to the newest post, so that a
    tag that has gone quiet slows down. They are at least one: posts of this very second, or from a
    clock that is ahead of ours, do not divide by zero. No posts: 0.0.

    Raises ValueError if `body` is not a timeline.
    """
    try:
        posts = json.loads(body)
        if not isinstance(posts, list):
            raise TypeError("no list of posts")
        times = [datetime.fromisoformat(post["created_at"]) for post in posts]
        oldest = min(times, default=None)
        if oldest is None:
            return 0.0
        seconds = ((now or datetime.now(UTC)) - oldest).total_seconds()
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"not a timeline: {error!r:.80}") from error
    return len(times) / max(1.0, seconds)
