"""What chapter 4's cells show in mongomock is what MongoDB does: the same claims, on mongomock and on a real mongod."""

import datetime

import bson
import pymongo
import pytest
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.errors import DuplicateKeyError


def test_c22_and_c72_attribute_and_key_are_the_same(database):
    assert database.client["x"] == database.client.x
    assert database["widgets"] == database.widgets


def test_c23_to_c25_and_c27_the_first_write_makes_database_and_collection_and_nothing_else(
    database,
):
    assert database.name not in database.client.list_database_names()
    assert database.list_collection_names() == []
    database.widgets.insert_one({"foo": "bar"})
    assert database.name in database.client.list_database_names()
    assert database.list_collection_names() == ["widgets"]
    assert list(database["system.indexes"].find()) == []
    assert [index["name"] for index in database.widgets.list_indexes()] == ["_id_"]


def test_c26_and_c31_the_driver_adds_the_id_and_the_write_is_acknowledged(collection):
    document = {"foo": "bar"}
    result = collection.insert_one(document)
    assert result.acknowledged
    assert document["_id"] == result.inserted_id


def test_c26_an_insert_waits_and_an_unacknowledged_one_hides_a_duplicate(mongod):
    with pymongo.MongoClient(mongod.uri) as client:
        try:
            waiting = client.claim_26.words
            hasty = waiting.with_options(write_concern=pymongo.WriteConcern(w=0))
            waiting.insert_one({"_id": "word1"})
            assert not hasty.insert_one({"_id": "word1"}).acknowledged
            with pytest.raises(DuplicateKeyError):
                waiting.insert_one({"_id": "word1"})
        finally:
            client.drop_database("claim_26")


def test_c28_documents_need_not_be_alike(collection):
    collection.insert_many([{"foo": "bar"}, {"name": "flibnip", "tags": ["new"]}])
    assert collection.count_documents({}) == 2


def test_c29_what_is_stored_is_bson_and_comes_back_as_an_equal_dict(mongod):
    document = {"name": "flibnip", "since": datetime.datetime(2011, 10, 30), "raw": b"\xff"}
    with pymongo.MongoClient(mongod.uri) as client:
        try:
            client.claim_29.widgets.insert_one(document)
            assert client.claim_29.widgets.find_one() == document
            raw = client.get_database("claim_29", CodecOptions(RawBSONDocument)).widgets.find_one()
            assert bson.decode(raw.raw) == document
        finally:
            client.drop_database("claim_29")


def test_c76_the_key_of_a_filter_is_the_name_of_a_field(collection):
    collection.insert_one({"name": "flibnip", "quantity": 3})
    assert collection.find_one({"flibnip": {"$exists": True}}) is None
    assert collection.find_one({"name": "flibnip"})["quantity"] == 3
    assert collection.find_one({"quantity": 3})["name"] == "flibnip"


def test_c30_nothing_is_found_where_nothing_was_inserted(collection):
    collection.insert_one({"foo": "bar"})
    assert collection.find_one({"name": "flibnip"}) is None


def test_c32_the_index_on_the_id_keeps_documents_apart(collection):
    collection.insert_one({"_id": "word1"})
    with pytest.raises(DuplicateKeyError):
        collection.insert_one({"_id": "word1"})


def test_c33_and_c34_a_change_is_not_saved_until_it_is_replaced(collection):
    collection.insert_one({"name": "flibnip", "quantity": 3})
    document = collection.find_one({"name": "flibnip"})
    assert type(document) is dict
    document["quantity"] = 4
    assert collection.find_one({"name": "flibnip"})["quantity"] == 3
    collection.replace_one({"_id": document["_id"]}, document)
    assert collection.find_one({"name": "flibnip"})["quantity"] == 4


def test_c35_find_gives_a_cursor(collection):
    assert not isinstance(collection.find(), list)
    assert type(collection.find()).__name__ == "Cursor"


def test_c36_one_or_all_that_match(collection):
    collection.insert_many([{"name": "flibnip"} for _ in range(3)])
    assert collection.delete_one({"name": "flibnip"}).deleted_count == 1
    assert collection.delete_many({"name": "flibnip"}).deleted_count == 2


def test_c42_an_upsert_inserts_then_changes(collection):
    for definition, upserted in [("a", True), ("b", False)]:
        result = collection.update_one(
            {"word": "w"}, {"$set": {"definition": definition}}, upsert=True
        )
        assert (result.upserted_id is not None) is upserted
    assert collection.count_documents({"word": "w"}) == 1


def test_c28_a_validator_can_refuse_on_a_server(mongod):
    with pymongo.MongoClient(mongod.uri) as client:
        try:
            schema = {"$jsonSchema": {"required": ["name"]}}
            strict = client.claim_28.create_collection("strict", validator=schema)
            with pytest.raises(pymongo.errors.WriteError) as caught:
                strict.insert_one({"foo": "bar"})
            assert caught.value.code == 121
        finally:
            client.drop_database("claim_28")
