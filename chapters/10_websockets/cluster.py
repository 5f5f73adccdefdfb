"""One stock for several processes: MongoDB keeps it, and a change stream tells each process of every change.

    python main.py --port=8000 --mongo=mongodb://127.0.0.1:27017/
    python main.py --port=8001 --mongo=mongodb://127.0.0.1:27017/

A change stream needs a replica set; one member is enough, and `make mongo` starts such a one.
"""

import asyncio
import secrets

import pymongo
from pymongo.errors import PyMongoError
from tornado.log import gen_log
from tornado.web import HTTPError

from inventory import Inventory, SoldOut

BOOK = {"_id": "book"}
PATIENCE = 2  # seconds that a purchase waits for the database


class ClusterInventory(Inventory):
    """The stock is one document in MongoDB; this is what our process knows of it."""

    def __init__(self, collection):
        super().__init__()
        self.collection = collection
        self.version = -1  # nothing is known yet

    async def add(self, session):
        # Checked and changed in one step: two processes cannot sell the last copy twice.
        document = await self.update(
            {"carts": {"$ne": session}, "$expr": {"$lt": [{"$size": "$carts"}, "$copies"]}},
            {"$push": {"carts": session}},
        )
        if session not in document["carts"]:
            raise SoldOut

    async def remove(self, session):
        await self.update({"carts": session}, {"$pull": {"carts": session}})

    async def update(self, condition, change):
        """Make the change if the condition holds; return the document as it is then."""
        try:
            with pymongo.timeout(PATIENCE):
                document = await self.collection.find_one_and_update(
                    BOOK | condition, change | {"$inc": {"version": 1}}, return_document=True
                ) or await self.collection.find_one(BOOK)
        except PyMongoError as error:
            raise HTTPError(503, str(error), reason="The database is away") from error
        await self.adopt(document)
        return document

    async def adopt(self, document):
        """Take over a document, unless we know a newer one: news may overtake one another."""
        if document and document["version"] > self.version:
            self.copies = document["copies"]
            await self.change(frozenset(document["carts"]), document["version"])

    async def watch(self):
        return await self.collection.watch(full_document="updateLookup")

    async def follow(self):
        """Take over every change, whichever process made it, until cancelled."""
        while True:
            try:
                async with await self.watch() as events:
                    # First the stream, then a read: what happens in between comes twice, not never.
                    await self.adopt(await self.collection.find_one(BOOK))
                    async for event in events:
                        await self.adopt(event.get("fullDocument"))
            except PyMongoError as error:
                gen_log.warning("MongoDB: %s; we try again", error)
            await asyncio.sleep(1)


async def join(uri):
    """Make the book if we are the first, and follow its stock; return what make_app() takes.

    Raises PyMongoError where no MongoDB answers within 10 seconds, or where it is no replica set.
    """
    client = pymongo.AsyncMongoClient(uri, serverSelectionTimeoutMS=10_000)
    collection = client.get_default_database("example").inventory
    # The processes also share the key that signs the sessions, and it outlives them all.
    fresh = {"copies": 10, "carts": [], "version": 0, "cookie_secret": secrets.token_hex(32)}
    await collection.update_one(BOOK, {"$setOnInsert": fresh}, upsert=True)
    inventory = ClusterInventory(collection)
    await (await inventory.watch()).close()  # raises here, once, if there are no change streams
    document = await collection.find_one(BOOK)
    await inventory.adopt(document)
    gen_log.info("the stock is in MongoDB, for all processes that look there")
    inventory.following = asyncio.create_task(inventory.follow())
    return {"inventory": inventory, "cookie_secret": document["cookie_secret"]}
