"""The collection of words: how the program connects to it, and what an empty one begins with."""

import asyncio
import sys
from contextlib import asynccontextmanager, suppress

import mongomock
import pymongo
from pymongo.errors import BulkWriteError, PyMongoError
from tornado.log import app_log

from memory import AsyncCollection

VOCABULARY = {
    "perturb": "to take away a person's calm; to push a planet off its path",
    "ice-cream": "a frozen sweet made of milk, best eaten quickly",
    "ad hoc": "made for one purpose, and not meant to be used again",
    "latency": "the time between a question and the first sign of an answer",
    "coroutine": "a function that can stop in the middle and go on later",
    "中文": "the Chinese language, above all as it is written",
}


@asynccontextmanager
async def connect(uri):
    """The collection of words on the MongoDB server at `uri`, or in memory if `uri` is empty."""
    if not uri:
        print("Words are in memory (mongomock): gone at exit. --mongo=URI keeps them in MongoDB.")
        yield AsyncCollection(mongomock.MongoClient().example.words)
        return
    try:
        # By default PyMongo waits 30 s for a server that is away.
        client = pymongo.AsyncMongoClient(uri, timeoutMS=1000)
        await client.aconnect()  # resolves mongodb+srv://, but does not wait for the server
    except (OSError, PyMongoError, ValueError) as error:
        sys.exit(f"main.py: --mongo: {error}")
    try:
        yield client.get_default_database("example").words
    finally:
        with pymongo.timeout(1):  # it says goodbye to the server
            await client.close()


async def prepare(words, ready):
    """Make the unique index and the first words, then set the event `ready`.

    Tries again while the database is away. Two programs may do this at the same time.
    """
    kind = None
    while not ready.is_set():
        try:
            await words.create_index("word", unique=True)
            if await words.find_one() is None:
                documents = [{"word": word, "definition": VOCABULARY[word]} for word in VOCABULARY]
                with suppress(BulkWriteError):  # the index refuses what another program inserted
                    await words.insert_many(documents, ordered=False)
            ready.set()
        except PyMongoError as error:
            if kind is not type(error):  # a new one: log it once
                kind = type(error)
                name = kind.__name__
                app_log.warning("503 for every word for now. %s: %.70s", name, error)
            await asyncio.sleep(0.5)
