"""Which tag to look up next: the one that stands beside a tag in its posts."""

import json


def related_tag(body, tag):
    """The first other tag in a timeline's JSON, newest post first; None if there is no other.

    Raises ValueError if `body` is not a timeline.
    """
    try:
        names = [each["name"] for post in json.loads(body) for each in post["tags"]]
        return next((name for name in names if name.casefold() != tag.casefold()), None)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a timeline: {error!r:.80}") from error
