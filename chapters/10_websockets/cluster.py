"""One stock for several processes: MongoDB holds it, and a change stream tells each process of every change.

    make mongo
    .venv/bin/python chapters/10_websockets/main.py --port=8000 --mongo=mongodb://127.0.0.1:27017/
    .venv/bin/python chapters/10_websockets/main.py --port=8001 --mongo=mongodb://127.0.0.1:27017/

To fill the stock up again, drop the collection; the running processes make a new book:

    .venv/bin/python -c "import pymongo; pymongo.MongoClient().example.inventory.drop()"
"""

import asyncio
import logging
import re
import secrets
import time

import pymongo
import tornado.web
from pymongo.errors import PyMongoError

from inventory import Inventory, SoldOutError
from shop import ShopHandler

BOOK = {"_id": "book"}
TIMEOUT = 1.5  # seconds that a purchase, or the start, waits for the database
UPSERT = {"upsert": True, "return_document": pymongo.ReturnDocument.AFTER}
logger = logging.getLogger(__name__)
logging.getLogger("pymongo.client").setLevel(logging.CRITICAL)  # follow() logs the reason in a line


class ClusterInventory:
    """The stock is a document in MongoDB. `local` is what this process knows of it."""

    def __init__(self, collection):
        self.collection = collection
        self.local = Inventory()
        self.state, self.newer_than = self.local.state, self.local.newer_than

    async def add(self, session):
        # The database checks and changes in one step: two processes cannot sell the last copy twice.
        left = {"carts": {"$ne": session}, "$expr": {"$lt": [{"$size": "$carts"}, "$copies"]}}
        while session not in (carts := await self.update(left, {"$push": {"carts": session}})):
            if len(carts) >= self.local.copies:
                raise SoldOutError

    async def remove(self, session):
        await self.update({"carts": session}, {"$pull": {"carts": session}})

    async def update(self, condition, change):
        """Make the change if the condition holds; return the carts as they are then."""
        change = change | {"$inc": {"version": 1}}
        with pymongo.timeout(TIMEOUT):
            done = self.collection.find_one_and_update(
                BOOK | condition, change, return_document=True
            )
            document = await done or await self.read()
        self.adopt(document)
        return document["carts"]

    def adopt(self, document):
        """Take over a document, unless a newer one is known: news may overtake each other."""
        if document["version"] > self.local.version:
            self.local.copies, self.local.carts = document["copies"], set(document["carts"])
            self.local.version = document["version"]
            self.local.notify()

    async def read(self):
        """Return the document; if it is missing, make a book with all its copies."""
        # The time is a version that is higher than every version of an earlier book.
        new = {"copies": 10, "carts": [], "version": time.time_ns() // 10**6}
        return await self.collection.find_one_and_update(BOOK, {"$setOnInsert": new}, **UPSERT)

    async def follow(self):
        """Take over every change, whichever process made it, until cancelled."""
        task = asyncio.current_task()
        while not task.cancelling():
            try:
                changes = await self.collection.watch(
                    full_document="updateLookup", max_await_time_ms=500
                )
                self.adopt(await self.read())  # after watch(), so that no change falls between
                # Not `async for`: while PyMongo reconnects, it may lose the cancellation of this task.
                while changes.alive and not task.cancelling():
                    if change := await changes.try_next():
                        self.adopt(change.get("fullDocument") or await self.read())
            except PyMongoError as error:
                logger.warning("MongoDB: %s; trying again", reason(error))
            await asyncio.sleep(1)


class ClusterCartHandler(ShopHandler):
    """CartHandler, with an await in front of each change."""

    async def post(self):
        changes = {"add": self.inventory.add, "remove": self.inventory.remove}
        change = changes.get(self.get_body_argument("action", ""))
        if change is None:
            raise tornado.web.HTTPError(400)
        try:
            await change(self.current_user)
            self.write(self.inventory.state())
        except SoldOutError:
            self.set_status(409)
            self.write({"error": "sold out"})
        except PyMongoError:
            self.set_status(503)
            self.write({"error": "the database does not respond"})


def reason(error):
    """What went wrong, without PyMongo's description of the whole topology."""
    parts = re.split(r"No servers found yet|, full error|, Timeout:| \(configured", str(error))
    return parts[0] or "no response"


async def join(uri):
    """Follow the stock at `uri`; return arguments for make_app(). Raises ConnectionError."""
    try:
        async with asyncio.timeout(TIMEOUT):
            # At Ctrl-C, PyMongo asks the server to close the stream. A server that is away, or does
            # not respond, must not keep the program from ending.
            client = pymongo.AsyncMongoClient(
                uri, serverSelectionTimeoutMS=1000 * TIMEOUT, socketTimeoutMS=1000 * TIMEOUT
            )
            database = client.get_default_database("example")
            inventory = ClusterInventory(database.inventory)
            await database.inventory.watch()  # raises without a replica set
            inventory.adopt(await inventory.read())
            # All processes sign with one key, in a collection that the change stream leaves out.
            new = {"$setOnInsert": {"value": secrets.token_hex(32)}}
            key = await database.keys.find_one_and_update({"_id": "cookies"}, new, **UPSERT)
    except (PyMongoError, ValueError, TimeoutError) as error:
        raise ConnectionError(f"MongoDB: {reason(error)} (make mongo starts one)") from None
    inventory.following = asyncio.create_task(inventory.follow())
    shared = {"inventory": inventory, "cookie_secret": key["value"]}
    return shared | {"cart_handler": ClusterCartHandler}
