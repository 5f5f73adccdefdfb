"""What the checks of chapter 4 do inside the learner's process: call the functions on collections made for it."""

import datetime

import mongomock
from bson import ObjectId

STOCK = [
    ("flibnip", 3),
    ("smorkeg", 4),
    ("clobbasker", 2),
    ("aglet", 4),
    ("grommet", 9),
    ("bodkin", 0),
]


def stocked():
    """A collection with these widgets, and one that has another field."""
    widgets = mongomock.MongoClient().example.widgets
    widgets.insert_one({"name": "gizmo", "quantity": 12, "foo": "bar"})
    for name, quantity in STOCK:
        widgets.insert_one({"name": name, "quantity": quantity, "description": f"the {name}"})
    return widgets


def sent(result):
    """A result as it can be sent to the checks: numbers and None as they are, else as Python writes it."""
    return result if result is None or isinstance(result, int | float) else repr(result)


def restock(exercise, name, amount):
    """Call restock: the result, the quantity in the collection, and what else has changed, in words."""
    widgets = stocked()
    before = {document["_id"]: document for document in widgets.find()}
    result = exercise.restock(widgets, name, amount)
    quantity = None
    changes = []
    for document in widgets.find():
        old = before.pop(document["_id"], {})
        if document.get("name") == name:
            quantity = document.get("quantity")
            old, document = ({**each, "quantity": ...} for each in (old, document))
        if document != old:
            changes.append(f"{old or 'nothing'} became {document}")
    changes += [f"{old} was deleted" for old in before.values()]
    return {"result": sent(result), "quantity": quantity, "changes": changes}


class Shared:
    """A collection that another client uses too: before the learner's second operation it adds 10 to the flibnip.

    `operations` are the names of the learner's operations, `quantities` what each of them left.
    """

    def __init__(self, collection):
        self._collection = collection
        self.operations = []
        self.quantities = []

    def quantity(self):
        return self._collection.find_one({"name": "flibnip"})["quantity"]

    def __getattr__(self, name):
        operation = getattr(self._collection, name)
        if not callable(operation):
            return operation

        def call(*args, **kwargs):
            if len(self.operations) == 1:
                self._collection.update_one({"name": "flibnip"}, {"$inc": {"quantity": 10}})
            self.operations.append(name)
            result = operation(*args, **kwargs)
            self.quantities.append(self.quantity())
            return result

        return call


def restock_beside_another_client(exercise):
    """Call restock("flibnip", 1) while another client restocks it by 10, if there is a moment between two operations."""
    widgets = Shared(stocked())
    result = exercise.restock(widgets, "flibnip", 1)
    return {
        "result": sent(result),
        "quantity": widgets.quantity(),
        "operations": widgets.operations,
        "quantities": widgets.quantities,
    }


def low_stock(exercise, below, count):
    found = exercise.low_stock(stocked(), below, count)
    return {"type": type(found).__name__, "names": found if isinstance(found, list) else None}


def with_everything():
    """A collection whose documents have types that JSON does not have."""
    widgets = mongomock.MongoClient().example.widgets
    widgets.insert_many(
        [
            {"_id": ObjectId("4eada3a4136fc4aa41000001"), "name": "flibnip", "quantity": 3},
            {"name": "smorkeg", "quantity": 4, "since": datetime.datetime(2012, 5, 4, 12, 30, 15)},
            {
                "name": "中文",
                "quantity": 1,
                "parts": [{"maker": ObjectId(), "price": 0.5}, None, True],
            },
            {"_id": "any string", "name": "clobbasker", "quantity": 2},
        ]
    )
    return widgets


def dump(exercise):
    text = exercise.dump(with_everything())
    return {"type": type(text).__name__, "text": text if isinstance(text, str) else None}


def by_id(widgets):
    return {str(document["_id"]): document for document in widgets.find()}


def round_trip(exercise, times=1, changed=False, empty=False):
    """Dump one collection, restore the text into another; how many documents it has, and which differ.

    A difference is a list: the document as it should be and as it is (each as Python writes it, or None).
    """
    widgets, copy = with_everything(), mongomock.MongoClient().example.widgets
    if empty:
        widgets.delete_many({})
    text = exercise.dump(widgets)
    if changed:
        copy.insert_one(
            {"_id": ObjectId("4eada3a4136fc4aa41000001"), "name": "old", "quantity": 1, "old": True}
        )
        another = {"_id": "another", "name": "grommet", "quantity": 9}
        copy.insert_one(another)
    for _ in range(times):
        exercise.restore(copy, text)
    wanted, found = by_id(widgets), by_id(copy)
    if changed:
        wanted["another"] = another
    differences = [
        [wanted.get(key) and repr(wanted[key]), found.get(key) and repr(found[key])]
        for key in {**wanted, **found}
        if wanted.get(key) != found.get(key)
    ]
    return {"count": copy.count_documents({}), "wanted": len(wanted), "differences": differences}
