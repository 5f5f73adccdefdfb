"""The document before the change, plus the amount; an aggregation; delete and insert."""

import json

from bson.json_util import CANONICAL_JSON_OPTIONS, default, object_hook


def restock(widgets, name, amount):
    before = widgets.find_one_and_update({"name": name}, {"$inc": {"quantity": amount}})
    return None if before is None else before["quantity"] + amount


def low_stock(widgets, below, count):
    pipeline = [
        {"$match": {"quantity": {"$lt": below}}},
        {"$sort": {"quantity": 1, "name": 1}},
        {"$limit": count},
        {"$project": {"_id": 0, "name": 1}},
    ]
    return list(map(lambda each: each["name"], widgets.aggregate(pipeline)))


def dump(widgets):
    return json.dumps([*widgets.find()], default=default)


def restore(widgets, text):
    for document in json.loads(text, object_hook=object_hook):
        widgets.delete_one({"_id": document["_id"]})
        widgets.insert_one(document)
