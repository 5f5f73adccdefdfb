"""What the checks of chapter 4 do inside the learner's process: call the functions on collections made for it."""

import contextlib
import datetime
import threading
from concurrent.futures import ThreadPoolExecutor

import mongomock
from bson import ObjectId, json_util

STOCK = [
    ("flibnip", 3),
    ("smorkeg", 4),
    ("clobbasker", 2),
    ("aglet", 4),
    ("grommet", 9),
    ("bodkin", 0),
]


def stocked(stock=STOCK):
    """A collection with these widgets, and one that has another field."""
    widgets = mongomock.MongoClient().example.widgets
    widgets.insert_one({"name": "gizmo", "quantity": 12, "foo": "bar"})
    for name, quantity in stock:
        widgets.insert_one({"name": name, "quantity": quantity, "description": f"the {name}"})
    return widgets


def plain(widgets):
    """All documents, with names as keys, as JSON can carry them."""
    return json_util.dumps(sorted(widgets.find({}, {"_id": 0}), key=str), sort_keys=True)


def carried(result):
    """A result as it can be sent to the checks: numbers and None as they are, else as Python writes it."""
    return result if result is None or isinstance(result, int | float) else repr(result)


def restock(exercise, name, amount):
    """Call restock; the result, the quantity in the collection, and whether all else is as before."""
    widgets, before = stocked(), stocked()
    result = exercise.restock(widgets, name, amount)
    after = widgets.find_one({"name": name})
    before.update_one({"name": name}, {"$set": {"quantity": after and after.get("quantity")}})
    return {
        "result": carried(result),
        "quantity": after and after.get("quantity"),
        "others are as before": plain(widgets) == plain(before),
    }


class Together:
    """A collection for several threads: before each operation they wait for each other, and then take turns.

    So whoever reads in one operation and writes in the next, writes what the others have not seen.
    """

    def __init__(self, collection, threads):
        self._collection = collection
        self._barrier = threading.Barrier(threads)
        self._lock = threading.Lock()
        self.operations = []

    def __getattr__(self, name):
        operation = getattr(self._collection, name)
        if not callable(operation):
            return operation

        def in_turn(*args, **kwargs):
            with contextlib.suppress(threading.BrokenBarrierError):  # the others are done
                self._barrier.wait(0.2)
            with self._lock:
                self.operations.append(name)
                return operation(*args, **kwargs)

        return in_turn


def restock_at_once(exercise, times):
    """Call restock("flibnip", 1) in several threads at once; the results, the quantity afterwards, what was called."""
    widgets = stocked()
    together = Together(widgets, times)
    with ThreadPoolExecutor(times) as threads:
        results = list(
            threads.map(lambda _: exercise.restock(together, "flibnip", 1), range(times))
        )
    return {
        "results": [carried(result) for result in results],
        "quantity": widgets.find_one({"name": "flibnip"})["quantity"],
        "operations": sorted(together.operations),
    }


def low_stock(exercise, below, count):
    found = exercise.low_stock(stocked(), below, count)
    return {"type": type(found).__name__, "names": found if isinstance(found, list) else None}


def with_everything():
    """A collection whose documents have more than JSON knows."""
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
            {"_id": "a key of one's own", "name": "clobbasker", "quantity": 2},
        ]
    )
    return widgets


def dump(exercise):
    text = exercise.dump(with_everything())
    return {"type": type(text).__name__, "text": text if isinstance(text, str) else None}


def by_id(widgets):
    return {str(document["_id"]): document for document in widgets.find()}


def round_trip(exercise, times=1, changed=False, empty=False):
    """Dump one collection, restore the text into another; what differs afterwards, in words."""
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
        f"{key}: {wanted.get(key)} became {found.get(key)}"
        for key in {**wanted, **found}
        if wanted.get(key) != found.get(key)
    ]
    return {"count": copy.count_documents({}), "wanted": len(wanted), "differences": differences}
