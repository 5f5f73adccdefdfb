"""Chapter 4, exercise: three things that one does with a collection, as functions of it.

Each document of the collection `widgets` has a text "name" and a whole number "quantity"; it may have other fields.

Task 1  restock(widgets, name, amount) adds amount to the quantity of the widget of that name, and returns the new
        quantity; None if there is no such widget, and then none is made. It is one operation of the database: of
        several restocks at once none is lost, and each returns the quantity that it made.
Task 2  low_stock(widgets, below, count) returns the names of the widgets whose quantity is less than below, as a list:
        the lowest quantity first, equal quantities in the order of their names, at most count of them (1 or more).
Task 3  dump(widgets) returns all documents as one JSON text, of an empty collection too. restore(widgets, text) puts the
        documents of such a text into a collection: each field is what it was, an ObjectId and a datetime too. A
        document whose _id is there already is replaced, so that to restore twice is the same as once.

Run it:    python exercise.py
Check it:  make check-4
"""

import datetime

import mongomock
from bson import json_util
from pymongo import ReturnDocument


def restock(widgets, name, amount):
    # TODO task 1: one call adds to the quantity and returns the document.
    raise NotImplementedError("task 1")


def low_stock(widgets, below, count):
    # TODO task 2: the database compares, sorts and counts; you collect the names.
    raise NotImplementedError("task 2")


def dump(widgets):
    # TODO task 3: json knows neither ObjectId nor datetime.
    raise NotImplementedError("task 3")


def restore(widgets, text):
    # TODO task 3: read the documents, and put each in the place of the one with its _id.
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
