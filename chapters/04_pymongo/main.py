"""Chapter 4, PyMongo: a session with a database, printed step by step.

Run it:  make chapter-4    (in memory: everything is gone at exit)
Try it:  .venv/bin/python chapters/04_pymongo/main.py --mongo=mongodb://127.0.0.1:27017/

The second command needs a MongoDB server, such as that of `make mongo`. It works in a database of
its own, and drops it at the end.
"""

import json
import os
import sys

import mongomock
import pymongo
from bson import ObjectId, json_util
from pymongo.errors import PyMongoError
from tornado.options import define, options, parse_command_line


def connect(uri):
    """A client for the MongoDB server at `uri`; for mongomock, in this process, if it is empty."""
    if uri:
        return pymongo.MongoClient(uri, timeoutMS=5000)  # connects at the first operation
    print("In memory (mongomock): gone at exit. --mongo=URI connects to a MongoDB server.")
    return mongomock.MongoClient()


def insert(db):
    """The first document creates the collection, and the driver gives each document its _id."""
    print(f"{db.list_collection_names() = }")
    widgets = db["widgets"]  # or db.widgets
    print(f"{widgets.insert_one({'foo': 'bar'}).inserted_id = }")
    flibnip = {"name": "flibnip", "description": "grade-A industrial flibnip", "quantity": 3}
    print(f"{widgets.insert_one(flibnip).inserted_id == flibnip['_id'] = }")
    print(f"{db.list_collection_names() = }")


def find(widgets):
    """find_one returns a dict, or None; find returns a cursor, which you iterate."""
    print(f"{widgets.find_one({'name': 'flibnip'}) = }")
    print(f"{widgets.find_one({'name': 'smorkeg'}) = }")
    more = [
        {"name": "smorkeg", "description": "for external use only", "quantity": 4},
        {"name": "clobbasker", "description": "properties available on request", "quantity": 2},
    ]
    print(f"{len(widgets.insert_many(more).inserted_ids) = }")
    for doc in widgets.find({"quantity": {"$gt": 2}}).sort("quantity"):
        print("   ", doc["quantity"], doc["name"])


def change(widgets):
    """Changing the dict changes only the dict; update_one changes one field in the database."""
    doc = widgets.find_one({"name": "flibnip"})
    doc["quantity"] = 4
    print(f"{widgets.find_one({'name': 'flibnip'})['quantity'] = }")
    result = widgets.update_one({"_id": doc["_id"]}, {"$set": {"quantity": 4}})
    print(f"{result.modified_count = }")
    print(f"{widgets.find_one({'name': 'flibnip'})['quantity'] = }")


def as_json(widgets):
    """json cannot write an ObjectId: leave _id out, or use json_util, which keeps it."""
    try:
        json.dumps(widgets.find_one({"name": "flibnip"}))
    except TypeError as error:
        print(f"{error = }")
    print(f"{json.dumps(widgets.find_one({'name': 'flibnip'}, {'_id': 0})) = }")
    doc = widgets.find_one({"name": "flibnip"})
    print(f"{json_util.dumps(doc) = }")
    print(f"{json_util.loads(json_util.dumps(doc)) == doc = }")


def remove(widgets):
    """delete_one deletes the first match, delete_many deletes all matches."""
    print(f"{widgets.delete_one({'name': 'flibnip'}).deleted_count = }")
    print(f"{widgets.delete_many({'quantity': {'$gt': 1}}).deleted_count = }")
    print(f"{widgets.count_documents({}) = }")


def tour(db):
    """The whole session, on an empty database."""
    print("\n# Insert")
    insert(db)
    print("\n# Find")
    find(db.widgets)
    print("\n# Change")
    change(db.widgets)
    print("\n# JSON")
    as_json(db.widgets)
    print("\n# Remove")
    remove(db.widgets)


def main():
    define("mongo", default=os.environ.get("MONGODB_URI", ""), help="the URI of a MongoDB server")
    parse_command_line()
    name = f"tour_{ObjectId()}"  # not `example`: you may have data there
    try:
        client = connect(options.mongo)
        client.server_info()  # fails here if the server is away
        try:
            tour(client[name])
        finally:
            client.drop_database(name)
    except (PyMongoError, ValueError) as error:  # ValueError: a port such as 99999
        reason, _, _ = str(error).partition(", Timeout:")  # what follows fills the screen
        sys.exit(f"main.py: MongoDB: {reason}")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:  # as in `main.py | head`; nothing more can be printed, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # such as a certificate that is missing
        sys.exit(f"main.py: {error}")
