"""Chapter 4, PyMongo: what the notes type into a Python shell, with today's names. In the notes: 数据库.

The script prints each step and what comes of it.

Run it:  python main.py                                     (in memory, gone at exit)
         python main.py --mongo=mongodb://127.0.0.1:27017/  (on a MongoDB server)

On a server it works in a database of its own, and drops it at the end.
"""

import json
import os
import sys
from contextlib import suppress

import mongomock
import pymongo
from bson import ObjectId, json_util
from pymongo.errors import PyMongoError
from tornado.options import define, options, parse_command_line

# Each old name of the section, and what to write in its place.
THEN_AND_NOW = {
    'conn = pymongo.Connection("localhost", 27017)': 'pymongo.MongoClient("localhost", 27017)',
    "db.collection_names()": "db.list_collection_names()",
    'widgets.insert({"foo": "bar"})': 'widgets.insert_one({"foo": "bar"})',
    "widgets.save(doc)": 'widgets.replace_one({"_id": doc["_id"]}, doc, upsert=True)',
    'widgets.remove({"name": "flibnip"})': 'widgets.delete_many({"name": "flibnip"})',
    'print doc["name"]': 'print(doc["name"])',
    "db = conn[‘example‘]": 'db = conn["example"]',
}


def connect(uri):
    """A client for the MongoDB server at `uri`; for mongomock, in this process, if it is empty."""
    if uri:
        return pymongo.MongoClient(uri, timeoutMS=5000)  # connects when it is first asked
    print("In memory (mongomock): gone at exit. --mongo=URI asks a MongoDB server.")
    return mongomock.MongoClient()


def insert(db):
    """The first document makes the collection, and the driver gives each document its _id."""
    print(f"{db.list_collection_names() = }")
    widgets = db["widgets"]  # or db.widgets
    print(f"{widgets.insert_one({'foo': 'bar'}).inserted_id = }")
    flibnip = {"name": "flibnip", "description": "grade-A industrial flibnip", "quantity": 3}
    print(f"{widgets.insert_one(flibnip).inserted_id == flibnip['_id'] = }")
    print(f"{db.list_collection_names() = }")


def find(widgets):
    """find_one gives a dict, or None; find gives a cursor, to be iterated."""
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
    """A change of the dict stays in the dict; update_one changes one field in the database."""
    doc = widgets.find_one({"name": "flibnip"})
    doc["quantity"] = 4
    print(f"{widgets.find_one({'name': 'flibnip'})['quantity'] = }")
    result = widgets.update_one({"_id": doc["_id"]}, {"$set": {"quantity": 4}})
    print(f"{result.modified_count = }")
    print(f"{widgets.find_one({'name': 'flibnip'})['quantity'] = }")


def as_json(widgets):
    """json knows no ObjectId: leave _id out, or use json_util, which keeps it."""
    try:
        json.dumps(widgets.find_one({"name": "flibnip"}))
    except TypeError as error:
        print(f"{error = }")
    print(f"{json.dumps(widgets.find_one({'name': 'flibnip'}, {'_id': 0})) = }")
    doc = widgets.find_one({"name": "flibnip"})
    print(f"{json_util.dumps(doc) = }")
    print(f"{json_util.loads(json_util.dumps(doc)) == doc = }")


def remove(widgets):
    """delete_one takes the first match, delete_many all of them."""
    print(f"{widgets.delete_one({'name': 'flibnip'}).deleted_count = }")
    print(f"{widgets.delete_many({'quantity': {'$gt': 1}}).deleted_count = }")
    print(f"{widgets.count_documents({}) = }")


def then_and_now():
    """Try each old name of the notes, and print its error and what to write today."""
    conn = pymongo.MongoClient(connect=False)  # a name that is not there needs no server
    names = {"pymongo": pymongo, "db": conn.example, "widgets": conn.example.widgets, "doc": {}}
    for then, now in THEN_AND_NOW.items():
        try:
            exec(then, names)
        except (AttributeError, SyntaxError, TypeError) as error:
            print(f"then  {then}\n      {type(error).__name__}: {error}\nnow   {now}")


def tour(db):
    """The whole session of the notes, on an empty database."""
    insert(db)
    for step in (find, change, as_json, remove):
        step(db.widgets)


def main():
    define("mongo", default=os.environ.get("MONGODB_URI", ""), help="the URI of a MongoDB server")
    parse_command_line()
    client = connect(options.mongo)
    name = f"tour_{ObjectId()}"  # not `example`: what you keep there is not ours to touch
    try:
        tour(client[name])
        client.drop_database(name)
    except PyMongoError as error:
        sys.exit(f"MongoDB: {error!s:.100}")
    then_and_now()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
