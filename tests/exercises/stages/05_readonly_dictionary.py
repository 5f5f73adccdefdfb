"""What the checks of chapter 5 serve inside the learner's process: the exercise, on the words that its main() serves."""

import asyncio
import importlib.util
from pathlib import Path

import mongomock

CHAPTER = Path(__file__).resolve().parents[3] / "chapters" / Path(__file__).stem


def load(name):
    """A module of the chapter's folder, also if the learner has changed the copy beside the exercise."""
    spec = importlib.util.spec_from_file_location(f"stage_{name}", CHAPTER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


AsyncCollection = load("memory").AsyncCollection
COLLECTION = mongomock.MongoClient().example.words
COLLECTION.insert_many(load("samples").WORDS)


class Lookups:
    """Holds back all lookups until `gate` is set, and counts how many wait together."""

    def __init__(self):
        self.gate = asyncio.Event()
        self.waiting = self.most = 0

    async def wait(self):
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        await self.gate.wait()
        self.waiting -= 1


def dictionary(exercise):
    """The exercise with its words."""
    return exercise.make_app(AsyncCollection(COLLECTION))


def slow_dictionary(exercise):
    """The exercise with a database that does not respond until `respond`."""
    exercise.lookups = Lookups()
    return exercise.make_app(AsyncCollection(COLLECTION, exercise.lookups.wait))


def under_way(exercise):
    """The highest number of lookups that have waited together."""
    return exercise.lookups.most


def respond(exercise):
    exercise.lookups.gate.set()
