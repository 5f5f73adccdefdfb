"""A task for each lookup; a compiled pattern; the whole search in Python; email.utils for the dates."""

import asyncio
import email.utils
import re
from datetime import timezone

import tornado.web


class Base(tornado.web.RequestHandler):
    @property
    def words(self):
        return self.settings["words"]


class WordHandler(Base):
    async def get(self, word):
        pattern = re.compile(r"\A" + re.escape(word) + r"\Z", re.IGNORECASE)
        found = await asyncio.create_task(self.words.find_one({"word": pattern}))
        if not found:
            self.set_status(404)
            return self.write({"error": "no such word"})
        if found.get("changed"):
            changed = found["changed"].replace(tzinfo=timezone.utc, microsecond=0)
            self.set_header("Last-Modified", email.utils.format_datetime(changed, usegmt=True))
            parsed = email.utils.parsedate_tz(self.request.headers.get("If-Modified-Since", "x"))
            try:
                since = email.utils.mktime_tz(parsed)
            except (TypeError, ValueError, OverflowError):
                since = None
            if since is not None and changed.timestamp() <= since:
                raise tornado.web.HTTPError(304)
        self.write({"word": found["word"], "definition": found["definition"]})


class SearchHandler(Base):
    async def get(self):
        prefix = self.get_argument("prefix", strip=False)
        text = self.get_argument("limit", "10")
        if not re.fullmatch("[1-9][0-9]?|100", text):
            self.send_error(400)
            return
        everything = [each["word"] async for each in self.words.find()]
        found = sorted(word for word in everything if word.startswith(prefix))
        self.finish({"words": found[: int(text)]})


def make_app(words):
    return tornado.web.Application(
        [("/word/(.+)", WordHandler), ("/search", SearchHandler)], words=words
    )
