"""A hashtag's timeline: where it is, and how fast its posts appear."""

import json
from datetime import UTC, datetime
from urllib.parse import quote

from tornado.httputil import url_concat


class NotATimelineError(ValueError):
    """The timeline's response is not a list of posts."""


def timeline_url(api, tag):
    """The address of a tag's newest posts on the Mastodon server `api`."""
    return url_concat(f"{api}/api/v1/timelines/tag/{quote(tag, safe='')}", {"limit": 40})


def posts_per_second(body, now=None):
    """The number of posts divided by the seconds from the oldest post until `now`.

    `body` is the timeline's JSON. The seconds do not end at the newest post, so that the rate of a
    tag that has gone quiet falls. They are at least 1: a post of this second, or from a clock that
    is ahead, does not divide by zero. Without posts the rate is 0.

    Raises NotATimelineError.
    """
    try:
        posts = json.loads(body)
        if not isinstance(posts, list):
            raise TypeError("not a list")
        times = [datetime.fromisoformat(post["created_at"]) for post in posts]
        if not times:
            return 0.0
        seconds = ((now or datetime.now(UTC)) - min(times)).total_seconds()
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise NotATimelineError(f"not a timeline: {error!r:.80}") from error
    return len(times) / max(1.0, seconds)
