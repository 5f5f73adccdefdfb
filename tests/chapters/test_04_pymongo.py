"""Chapter 4's main.py: the tour, in memory and on a real server."""

import json
import os
import subprocess
import sys

import pymongo
import pytest
from bson import ObjectId, json_util
from conftest import folder_of

from servers import free_port


@pytest.fixture
def chapter(load):
    return load(4)


def run(*args: str, uri: str = "") -> subprocess.CompletedProcess:
    """Run the script as a person does."""
    return subprocess.run(
        [sys.executable, folder_of(4) / "main.py", *args],
        env={**os.environ, "MONGODB_URI": uri},
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )


def lines(output: str, start: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith(start)]


def test_the_first_document_makes_the_collection(chapter, database, capsys):
    chapter.insert(database)
    said = lines(capsys.readouterr().out, "db.list")
    assert said == [
        "db.list_collection_names() = []",
        "db.list_collection_names() = ['widgets']",
    ]
    assert database.widgets.count_documents({}) == 2
    assert type(database.widgets.find_one({"foo": "bar"})["_id"]) is ObjectId


def test_find_one_gives_a_document_or_none_and_find_what_matches(chapter, database, capsys):
    chapter.insert(database)
    capsys.readouterr()
    chapter.find(database.widgets)
    said = capsys.readouterr().out
    assert "'quantity': 3" in said
    assert "find_one({'name': 'smorkeg'}) = None" in said
    assert lines(said, "    ") == ["    3 flibnip", "    4 smorkeg"]


def test_a_change_is_in_the_database_only_after_the_update(chapter, database, capsys):
    chapter.insert(database)
    capsys.readouterr()
    chapter.change(database.widgets)
    said = [line.rsplit(" = ")[-1] for line in capsys.readouterr().out.splitlines()]
    assert said == ["3", "1", "4"]
    document = database.widgets.find_one({"name": "flibnip"})
    assert document["quantity"] == 4
    assert document["description"] == "grade-A industrial flibnip"


def test_json_without_the_id_and_json_util_with_it(chapter, database, capsys):
    chapter.insert(database)
    capsys.readouterr()
    chapter.as_json(database.widgets)
    error, plain, extended, same = capsys.readouterr().out.splitlines()
    assert "TypeError('Object of type ObjectId is not JSON serializable')" in error
    assert "_id" not in json.loads(plain.rsplit(" = ")[-1].strip("'"))
    document = json_util.loads(extended.rsplit(" = ")[-1].strip("'"))
    assert document == database.widgets.find_one({"name": "flibnip"})
    assert same.endswith(" = True")


def test_delete_one_takes_one_and_delete_many_the_rest_of_the_matches(chapter, database, capsys):
    chapter.insert(database)
    chapter.find(database.widgets)
    capsys.readouterr()
    chapter.remove(database.widgets)
    said = [line.rsplit(" = ")[-1] for line in capsys.readouterr().out.splitlines()]
    assert said == ["1", "2", "1"]
    assert [document.get("foo") for document in database.widgets.find()] == ["bar"]


def test_every_old_name_fails_and_every_new_one_works(chapter, database, capsys):
    chapter.then_and_now()
    said = capsys.readouterr().out.splitlines()
    assert [line[6:] for line in said[0::3]] == list(chapter.THEN_AND_NOW)
    assert [line[6:] for line in said[2::3]] == list(chapter.THEN_AND_NOW.values())
    errors = [line[6:] for line in said[1::3]]
    assert errors[0] == "AttributeError: module 'pymongo' has no attribute 'Connection'"
    for error, name in zip(
        errors[1:5], ["collection_names", "insert", "save", "remove"], strict=True
    ):
        assert error.startswith("TypeError: 'Collection' object is not callable."), error
        assert f"'{name}' method" in error
    assert errors[5].startswith("SyntaxError: Missing parentheses in call to 'print'.")
    assert errors[6].startswith("SyntaxError: invalid character '‘' (U+2018)")

    doc = {"_id": ObjectId(), "name": "flibnip"}
    conn = {"example": database}
    names = {"pymongo": pymongo, "db": database, "widgets": database.widgets, "doc": doc}
    for now in chapter.THEN_AND_NOW.values():
        exec(now, {**names, "conn": conn})
    assert [document["foo"] for document in database.widgets.find()] == ["bar"]


def test_the_script_says_that_it_is_in_memory_and_prints_the_session():
    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("In memory (mongomock): gone at exit.")
    assert "widgets.count_documents({}) = 1" in done.stdout
    assert done.stdout.endswith('now   db = conn["example"]\n')


def test_the_script_prints_the_same_on_a_server_and_leaves_nothing_behind(mongod):
    with pymongo.MongoClient(mongod.uri) as client:
        before = client.list_database_names()
        on_server = run(f"--mongo={mongod.uri}")
        assert client.list_database_names() == before
    by_variable = run(uri=mongod.uri)
    assert (on_server.returncode, on_server.stderr) == (0, "")
    in_memory = run().stdout.splitlines()[1:]
    for other in (on_server, by_variable):
        ours = other.stdout.splitlines()
        assert len(ours) == len(in_memory)
        # The _id is another each time, and mongomock puts it last in a document, a server first.
        assert [a for a in ours if "_id" not in a] == [b for b in in_memory if "_id" not in b]


def test_a_server_that_is_away_is_one_line_and_exit_status_1():
    done = run(f"--mongo=mongodb://127.0.0.1:{free_port()}/")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "Connection refused" in done.stderr
