"""The words in MongoDB. PyMongo's calls block, an event loop must not: they run in threads."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import mongomock
import pymongo
import tornado.web
from pymongo.errors import BulkWriteError, PyMongoError
from tornado.log import app_log

# What an empty collection begins with.
VOCABULARY = {
    "perturb": "to take away somebody's calm; to push a planet off its path",
    "ice-cream": "a frozen sweet made of milk, best eaten at once",
    "ad hoc": "made for one purpose, and not meant to be used again",
    "latency": "the time between a question and the first sign of an answer",
    "coroutine": "a function that can stop in the middle and go on later",
    "中文": "the Chinese language, above all as it is written",
}


def connect(uri):
    """The collection of words on the MongoDB server at `uri`, or in memory if `uri` is empty."""
    if uri:
        # PyMongo waits 30 s for a server that is away; our clients wait one second.
        client = pymongo.MongoClient(uri, timeoutMS=1000)
    else:
        print("Words are in memory (mongomock): gone at exit. --mongo=URI keeps them in MongoDB.")
        client = mongomock.MongoClient()
    return client.get_default_database("example").words


class Words:
    """A collection whose blocking calls can be awaited."""

    def __init__(self, collection):
        self.collection = collection
        self.threads = ThreadPoolExecutor(max_workers=100)  # PyMongo opens up to 100 connections
        self.prepared = self.threads.submit(self.prepare)
        if error := self.prepared.exception():  # waits for it
            self.prepared = None
            app_log.warning("503 for every word until MongoDB answers: %.70s", error)

    def prepare(self):
        """Make the unique index and the first words; two at once do no harm."""
        self.collection.create_index("word", unique=True)
        if self.collection.find_one() is None:
            documents = [{"word": word, "definition": VOCABULARY[word]} for word in VOCABULARY]
            with suppress(BulkWriteError):  # another was faster: the index refuses doubles
                self.collection.insert_many(documents, ordered=False)

    async def run(self, function):
        """Await `function(collection)` in a thread; a database that fails is a 503."""
        try:
            if self.prepared is None:  # the database was away
                self.prepared = self.threads.submit(self.prepare)
            await asyncio.wrap_future(self.prepared)  # all who ask meanwhile wait for this one
            return await asyncio.wrap_future(self.threads.submit(function, self.collection))
        except PyMongoError as error:
            self.prepared = None  # who knows what it is when it comes back
            reason = "the database does not answer"
            raise tornado.web.HTTPError(503, f"{error!s:.70}", reason=reason) from error
