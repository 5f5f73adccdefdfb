"""What the checks of chapter 5 serve inside the learner's process: the exercise, on a collection made for it."""

import datetime
import functools
import time

import mongomock

CHANGED = datetime.datetime(2012, 5, 4, 12, 30, 15, 250_000)
WORDS = [
    ("cat", "an animal"),
    ("Ajax", "a hero; a way to ask a server"),
    ("iced", "with ice"),
    ("ice-cream", "a frozen sweet"),
    ("c++", "a language"),
    ("中文", "the Chinese language"),
    (".profile", "a file that a shell reads"),
    ("Icelandic", "of Iceland"),
]


@functools.cache
def words():
    """The words, made once: nobody changes them."""
    collection = mongomock.MongoClient().example.words
    collection.insert_many([{"word": word, "definition": text} for word, text in WORDS])
    collection.insert_one(
        {"word": "tree", "definition": "a plant", "changed": CHANGED, "seen": CHANGED}
    )
    collection.insert_many(
        [{"word": f"x{n:03}", "definition": "one of many"} for n in reversed(range(150))]
    )
    return collection


def dictionary(exercise):
    """The exercise with its words."""
    return exercise.make_app(words())


def slow_dictionary(exercise, seconds):
    """The exercise with words whose collection takes its time for each answer."""
    return exercise.make_app(SlowCollection(words(), seconds))


class SlowCollection:
    """A collection that blocks for a while where a real one waits for its server.

    As with PyMongo, find does not ask yet: the cursor does, when it is iterated.
    """

    def __init__(self, collection, seconds):
        self._collection = collection
        self._seconds = seconds

    def find(self, *args, **kwargs):
        return SlowCursor(self._collection.find(*args, **kwargs), self._seconds)

    def __getattr__(self, name):
        attribute = getattr(self._collection, name)
        if not callable(attribute):
            return attribute

        def slow(*args, **kwargs):
            time.sleep(self._seconds)
            return attribute(*args, **kwargs)

        return slow


class SlowCursor:
    """Waits once, before the first document."""

    def __init__(self, cursor, seconds):
        self._cursor = cursor
        self._seconds = seconds

    def __getattr__(self, name):
        def chained(*args, **kwargs):
            getattr(self._cursor, name)(*args, **kwargs)
            return self

        return chained

    def __iter__(self):
        time.sleep(self._seconds)
        return iter(self._cursor)

    def __getitem__(self, index):
        time.sleep(self._seconds)
        return self._cursor[index]

    def to_list(self, length=None):
        return list(self)[:length]
