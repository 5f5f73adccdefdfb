"""memory.py: the same operations on mongomock and, through AsyncMongoClient, on a real server have the same results."""

import asyncio
import importlib.util
from urllib.parse import quote

import pytest
from pymongo import DeleteOne, InsertOne, ReturnDocument
from pymongo.collation import Collation
from pymongo.errors import BulkWriteError, DuplicateKeyError

from course.manifest import chapter

from dictionary import async_words  # noqa: F401

HIDDEN = {"_id": 0}


async def found(cursor):
    return [document["n"] async for document in cursor]


async def test_find_one_and_projections(words):
    fields = {"_id": 0, "n": 1}
    assert await words.find_one({"n": 1}, fields) is None
    await words.insert_one({"n": 1, "more": "x"})
    assert await words.find_one({"n": 1}, fields) == {"n": 1}
    assert fields == {"_id": 0, "n": 1}
    assert (await words.find_one({"n": 1}))["more"] == "x"


@pytest.mark.parametrize(
    "form", ["n", ("n", 1), ["n"], [("n", 1)], {"n": 1}, ("n", -1), {"n": -1}], ids=str
)
async def test_sort(words, form):
    await words.insert_many([{"n": n} for n in (2, 3, 1)])
    expected = [3, 2, 1] if "-1" in str(form) else [1, 2, 3]
    arguments = form if isinstance(form, tuple) else (form,)
    assert await found(words.find().sort(*arguments)) == expected
    if form == "n":
        with pytest.raises(TypeError):
            await found(words.find({}, sort=form))
    elif not isinstance(form, tuple):
        assert await found(words.find({}, sort=form)) == expected
        assert (await words.find_one({}, HIDDEN, sort=form))["n"] == expected[0]


async def test_cursors(words):
    await words.insert_many([{"n": n} for n in range(5)])
    cursor = words.find({"n": {"$gt": 0}}, HIDDEN).sort("n").skip(1).limit(2)
    assert await cursor.to_list() == [{"n": 2}, {"n": 3}]
    assert await cursor.to_list() == []
    cursor = words.find({}, HIDDEN).sort("n")
    assert await cursor.to_list(2) == [{"n": 0}, {"n": 1}]
    assert await anext(cursor) == {"n": 2}
    assert await found(cursor) == [3, 4]
    assert len(await words.find().limit(0).to_list(length=None)) == 5
    with pytest.raises(TypeError, match="await"):
        await words.find()


async def test_aggregate(words):
    await words.insert_many([{"n": n} for n in range(5)])
    stages = [{"$match": {"n": {"$gt": 1}}}, {"$sort": {"n": -1}}, {"$project": HIDDEN}]
    cursor = await words.aggregate(stages)
    assert await cursor.to_list() == [{"n": 4}, {"n": 3}, {"n": 2}]
    assert await found(await words.aggregate(stages)) == [4, 3, 2]


async def test_updates(words):
    first = await words.update_one({"n": 1}, {"$set": {"x": "a"}}, upsert=True)
    again = await words.update_one({"n": 1}, {"$set": {"x": "a"}}, upsert=True)
    assert first.upserted_id is not None
    assert (again.upserted_id, again.matched_count, again.modified_count) == (None, 1, 0)
    await words.update_one({"n": 1}, {"$push": {"list": "b"}})
    assert (await words.replace_one({"n": 1}, {"n": 1, "y": 2})).modified_count == 1
    assert await words.find_one({}, HIDDEN) == {"n": 1, "y": 2}
    assert (await words.update_many({}, {"$inc": {"y": 1}})).modified_count == 1


async def test_find_one_and(words):
    change = {"$inc": {"n": 1}}
    assert await words.find_one_and_update({"a": 1}, change, upsert=True) is None
    after = await words.find_one_and_update(
        {"a": 1}, change, projection=HIDDEN, return_document=ReturnDocument.AFTER
    )
    assert after == {"a": 1, "n": 2}
    before = await words.find_one_and_update({"a": 1}, change, projection=HIDDEN)
    assert before == {"a": 1, "n": 2}
    assert await words.find_one_and_delete({"a": 1}, projection=HIDDEN) == {"a": 1, "n": 3}
    assert await words.find_one_and_delete({"a": 1}) is None


async def test_deletes_and_counts(words):
    await words.insert_many([{"n": n} for n in range(5)])
    assert await words.count_documents({"n": {"$lt": 3}}) == 3
    assert await words.estimated_document_count() == 5
    assert sorted(await words.distinct("n")) == [0, 1, 2, 3, 4]
    assert (await words.delete_one({"n": 0})).deleted_count == 1
    assert (await words.delete_one({"n": 0})).deleted_count == 0
    assert (await words.delete_many({})).deleted_count == 4


@pytest.mark.parametrize("keys", ["n", ["n"], [("n", 1)], {"n": 1}], ids=str)
async def test_a_unique_index(words, keys):
    assert await words.create_index(keys, unique=True) == "n_1"
    assert await words.create_index(keys, unique=True) == "n_1"
    assert (await words.index_information())["n_1"]["unique"]
    await words.insert_one({"n": 1})
    with pytest.raises(DuplicateKeyError):
        await words.insert_one({"n": 1})
    with pytest.raises(BulkWriteError):
        await words.insert_many([{"n": 1}, {"n": 2}], ordered=False)
    assert sorted(await words.distinct("n")) == [1, 2]


async def test_bulk_write(words):
    await words.bulk_write([InsertOne({"n": 1}), InsertOne({"n": 2}), DeleteOne({"n": 1})])
    assert await words.distinct("n") == [2]


async def test_a_method_of_the_notes_is_no_method(words):
    with pytest.raises(
        TypeError, match=r"object is not callable\. If you meant to call the 'remove'"
    ):
        words.remove({"n": 1})


async def test_to_look_and_then_write_loses(words):
    """On a server, and in memory too: another handler runs between the two operations."""
    await words.insert_one({"n": 0})

    async def add():
        document = await words.find_one()
        await words.update_one({}, {"$set": {"n": document["n"] + 1}})

    await asyncio.gather(*(add() for _ in range(20)))
    assert (await words.find_one())["n"] < 20
    await asyncio.gather(*(words.update_one({}, {"$inc": {"m": 1}}) for _ in range(20)))
    assert (await words.find_one())["m"] == 20


@pytest.mark.parametrize("database", ["mongomock"], indirect=True)
async def test_what_mongomock_ignores_is_refused(words, database):
    collation = Collation("en", strength=2)
    with pytest.raises(TypeError, match=r'collation works on a MongoDB server only: .*"i"'):
        await words.find_one({"word": "CAT"}, collation=collation)
    with pytest.raises(TypeError, match="collation works on a MongoDB server only"):
        words.find().collation(collation)
    with pytest.raises(TypeError, match="session works on a MongoDB server only: leave it out"):
        await words.update_one({}, {"$set": {"n": 1}}, session=object())
    with pytest.raises(TypeError, match="hint works on a MongoDB server only: leave it out"):
        words.find({}, hint="word_1")
    with pytest.raises(TypeError, match="not iterable"):  # PyMongo's list would be empty
        list(words.find())


async def test_what_no_regular_expression_can_hold_is_not_found_by_the_solution(
    words, collection, serve, fetch
):
    spec = importlib.util.spec_from_file_location("solution_5", chapter("5").solution)
    solution = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(solution)
    stored = ["x" * 31_000, "中" * 5_000, "." * 15_000, "Cat"]
    collection.insert_many([{"word": word, "definition": "d"} for word in stored])
    url = serve(solution.make_app(words))
    for word in stored:
        assert (await fetch(f"{url}/word/{quote(word)}")).code == 200
    assert (await fetch(f"{url}/word/cAT")).code == 200
    for word in ("\0", "cat\0", "x" * 33_000, "." * 20_000, "中" * 7_000):
        assert (await fetch(f"{url}/word/{quote(word)}")).code == 404
        found = await fetch(f"{url}/search?prefix={quote(word)}")
        assert (found.code, found.body) == (200, b'{"words": []}')
