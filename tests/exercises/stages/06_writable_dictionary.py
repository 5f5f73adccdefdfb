"""What the checks of chapter 6 serve inside the learner's process: the exercise, on a collection made for it."""

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


def remove(exercise, word):
    """Remove a word from the collection that was served last."""
    exercise.checked.delete_one({"word": word})


class Together:
    """A collection for several threads: before each operation they wait for each other, and then take turns.

    So whoever reads in one operation and writes in the next, writes what the others have not seen. The turns are in the
    order of what is written, and the next time the other way round: of two operations that belong together, the
    first one's last is not the last of the second.
    """

    def __init__(self, collection, threads):
        self._collection = collection
        self._barrier = threading.Barrier(threads, action=self._line_up)
        self._turn = threading.Condition()
        self._coming, self._queue, self._rounds = [], [], 0

    def _line_up(self):
        backwards = self._rounds % 2 == 1
        self._queue = sorted(self._coming, key=lambda each: each[0], reverse=backwards)
        self._coming = []
        self._rounds += 1

    def __getattr__(self, name):
        attribute = getattr(self._collection, name)
        if not callable(attribute) or name.endswith(("_index", "_indexes")):
            return attribute  # make_app makes its index alone

        def in_turn(*args, **kwargs):
            mine = (repr((args, kwargs)), object())
            self._coming.append(mine)
            try:
                self._barrier.wait(0.3)
            except threading.BrokenBarrierError:  # the others are done
                with self._turn:
                    return attribute(*args, **kwargs)
            with self._turn:
                self._turn.wait_for(lambda: self._queue[0] is mine, 1)
                try:
                    return attribute(*args, **kwargs)
                finally:
                    self._queue.remove(mine)
                    self._turn.notify_all()

        return in_turn
