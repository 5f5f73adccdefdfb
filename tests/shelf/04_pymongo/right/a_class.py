"""The functions hand on to a class; the JSON text is an object; ids are looked up before they are replaced."""

from bson import json_util
from bson.json_util import RELAXED_JSON_OPTIONS
from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError


class Stock:
    def __init__(self, widgets):
        self.widgets = widgets

    def add(self, name, amount):
        return self.widgets.find_one_and_update(
            {"name": {"$eq": name}}, {"$inc": {"quantity": amount}}, return_document=True
        )

    def low(self, below):
        return self.widgets.find({"quantity": {"$exists": True, "$lt": below}}).sort(
            [("quantity", ASCENDING), ("name", ASCENDING)]
        )


def restock(widgets, name, amount):
    try:
        return Stock(widgets).add(name, amount)["quantity"]
    except TypeError:
        return None


def low_stock(widgets, below, count):
    names = []
    for widget in Stock(widgets).low(below):
        if len(names) < count:
            names.append(widget["name"])
    return names


def dump(widgets):
    documents = {"widgets": list(widgets.find())}
    return json_util.dumps(documents, json_options=RELAXED_JSON_OPTIONS)


def restore(widgets, text):
    for document in json_util.loads(text)["widgets"]:
        try:
            widgets.insert_one(document)
        except DuplicateKeyError:
            widgets.replace_one({"_id": document["_id"]}, document)
