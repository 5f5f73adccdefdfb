"""Chapter 4, exercise: three things that programs do with a collection, as functions.

Each document of the collection `widgets` has a string `name` and a whole number `quantity`. It may
have other fields.

Run it:    make run-4
Check it:  make check-4

Task 1  restock(widgets, name, amount): add to a quantity.

    - It adds `amount` to the quantity of the widget with this name, and returns the new quantity.
    - If no widget has the name, it returns None and creates nothing.
    - It is one operation of the database. When several clients restock at the same time, no change
      is lost, and each call returns the quantity that its own change made.

Task 2  low_stock(widgets, below, count): what is low in stock.

    - It returns a list of the names of the widgets whose quantity is less than `below`.
    - The lowest quantity comes first. Widgets with equal quantities are in the order of their names.
    - The list has at most `count` names. `count` is 1 or more.

Task 3  dump(widgets) and restore(widgets, text): a round trip through JSON.

    - dump() returns all documents of the collection as one string of JSON, even if there are none.
    - restore() puts the documents of such a string into a collection. Every field has its old value
      and type; an ObjectId and a datetime are restored as what they were.
    - A document whose `_id` already exists is replaced. Other documents stay as they are.
    - Restoring twice has the same effect as restoring once.
"""

import datetime

import mongomock
from bson import json_util
from pymongo import ReturnDocument


def restock(widgets, name, amount):
    # TODO task 1: one call adds to the quantity and returns the document.
    raise NotImplementedError("task 1")


def low_stock(widgets, below, count):
    # TODO task 2: the database compares, sorts and limits; you collect the names.
    raise NotImplementedError("task 2")


def dump(widgets):
    # TODO task 3: json cannot write an ObjectId or a datetime.
    raise NotImplementedError("task 3")


def restore(widgets, text):
    # TODO task 3: read the documents; each replaces the document that has its _id.
    raise NotImplementedError("task 3")


def main():
    widgets = mongomock.MongoClient().example.widgets
    now = datetime.datetime(2012, 5, 4, 12, 30)
    for name, quantity in [("flibnip", 3), ("smorkeg", 4), ("clobbasker", 2)]:
        widgets.insert_one({"name": name, "quantity": quantity, "since": now})
    print("restock flibnip by 5:", restock(widgets, "flibnip", 5))
    print("low stock:", low_stock(widgets, below=5, count=10))
    text = dump(widgets)
    print("dump:", text)
    copy = mongomock.MongoClient().example.widgets
    restore(copy, text)
    print("restored:", list(copy.find()) == list(widgets.find()))


if __name__ == "__main__":
    main()
