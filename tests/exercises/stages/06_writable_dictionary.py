"""What the checks of chapter 6 serve inside the learner's process: the exercise, on a collection made for it."""

import contextlib
import threading

import mongomock


def words():
    collection = mongomock.MongoClient().example.words
    collection.insert_one({"word": "cat", "definition": "an animal", "seen": 7})
    return collection


def dictionary(exercise):
    """The exercise with one word. Its collection can be looked at with `look`."""
    exercise.checked = words()
    return exercise.make_app(exercise.checked)


def together(exercise, clients):
    """The same, where the operations of several clients come at the worst moment."""
    exercise.checked = words()
    return exercise.make_app(Together(exercise.checked, clients))


def look(exercise):
    """All documents of the collection that was served last."""
    return list(exercise.checked.find({}, {"_id": 0}))


class Together:
    """A collection for several threads: before each operation they wait for each other, and then take turns.

    So whoever reads in one operation and writes in the next, writes what the others have not seen.
    """

    def __init__(self, collection, threads):
        self._collection = collection
        self._barrier = threading.Barrier(threads)
        self._lock = threading.Lock()

    def __getattr__(self, name):
        attribute = getattr(self._collection, name)
        if not callable(attribute) or name.endswith(("_index", "_indexes")):
            return attribute  # make_app makes its index alone

        def in_turn(*args, **kwargs):
            with contextlib.suppress(threading.BrokenBarrierError):  # the others are done
                self._barrier.wait(0.3)
            with self._lock:
                return attribute(*args, **kwargs)

        return in_turn
