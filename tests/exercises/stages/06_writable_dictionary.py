"""What the checks of chapter 6 serve inside the learner's process: the exercise, on the words that its main() serves."""

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
WORDS = load("samples").WORDS


class OtherClient:
    """Writes to the collection once, right before the operation of the exercise that has this number."""

    def __init__(self, collection, word, method, before):
        self.collection, self.word, self.method = collection, word, method
        self.left = before
        self.result = None

    async def pause(self):
        self.left -= 1
        if self.left == 0:
            self.result = getattr(self, self.method)()
        await asyncio.sleep(0)

    def delete(self):
        return self.collection.delete_one({"word": self.word}).deleted_count == 1

    def put(self, change=None):
        change = change or {"$set": {"definition": "of another client"}}
        result = self.collection.update_one({"word": self.word}, change, upsert=True)
        return result.upserted_id is not None

    def post(self):
        text = "of another client"
        return self.put({"$set": {"definition": text}, "$push": {"history": text}})


def words(exercise):
    """A new collection, which `look` and `remove` are about."""
    exercise.checked = mongomock.MongoClient().example.words
    exercise.checked.create_index("word", unique=True)
    exercise.checked.insert_many(WORDS)
    return exercise.checked


def dictionary(exercise):
    """The exercise with its words."""
    return exercise.make_app(AsyncCollection(words(exercise)))


def with_another_client(exercise, word, method, before):
    """The same, with a client of another process that changes `word` between two operations."""
    exercise.other = OtherClient(words(exercise), word, method, before)
    return exercise.make_app(AsyncCollection(exercise.checked, exercise.other.pause))


def others_result(exercise):
    """None if the other client did not come; else whether it deleted or created the word. Now it does not come any more."""
    exercise.other.left = 0
    return exercise.other.result


def look(exercise, word):
    """The documents of a word."""
    return list(exercise.checked.find({"word": word}, {"_id": 0}))


def remove(exercise, word):
    exercise.checked.delete_one({"word": word})
