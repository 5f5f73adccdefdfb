"""Chapter 4's main.py: the tour, in memory and on a real server."""

import json
import os
import subprocess
import sys
import types

import pymongo
import pytest
from bson import ObjectId, json_util

from course.manifest import chapter as chapter_of


@pytest.fixture
def chapter(load):
    return load(4)


def run(*args: str, uri: str = "") -> subprocess.CompletedProcess:
    """Run the script as a person does."""
    return subprocess.run(
        [sys.executable, chapter_of("4").script, *args],
        env={**os.environ, "MONGODB_URI": uri},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
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


def test_the_script_says_that_it_is_in_memory_and_prints_the_session():
    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("In memory (mongomock): gone at exit.")
    assert "widgets.count_documents({}) = 1" in done.stdout
    headings = lines(done.stdout, "# ")
    assert headings == ["# Insert", "# Find", "# Change", "# JSON", "# Remove"]


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


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_the_database_of_the_tour_is_dropped_after_an_error_too(mongod, load, monkeypatch, error):
    module = load(4)

    def fail(widgets):
        raise error

    monkeypatch.setattr(module, "remove", fail)  # the last step: the documents exist by then
    monkeypatch.setattr(module, "define", lambda *args, **kwargs: None)
    monkeypatch.setattr(module, "parse_command_line", lambda: None)
    monkeypatch.setattr(module, "options", types.SimpleNamespace(mongo=mongod.uri))
    with pymongo.MongoClient(mongod.uri) as client:
        before = client.list_database_names()
        with pytest.raises(error):
            module.main()
        assert client.list_database_names() == before


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("mongodb://127.0.0.1:1/", "Connection refused"),
        ("mongodb://me:p@ss@host", "must be escaped"),
        ("mongodb://127.0.0.1:99999/", "Port must be an integer"),
        ("mongodb://127.0.0.1:abc/", "Port contains non-digit characters"),
        ("mongodb+srv://course.invalid/", "MongoDB"),  # the resolver words it
        ("http://127.0.0.1/", "Invalid URI scheme"),
        ("mongodb://127.0.0.1/?tls=true&tlsCAFile=/missing.pem", "/missing.pem"),
    ],
)
def test_a_uri_that_cannot_be_used_is_one_line_and_exit_status_1(uri, says):
    done = run(f"--mongo={uri}")
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("main.py: ")
    assert says in done.stderr
    assert "Topology" not in done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_stops_early_sees_no_traceback(unbuffered):
    with subprocess.Popen(
        [sys.executable, chapter_of("4").script],
        env={**os.environ, "MONGODB_URI": "", "PYTHONUNBUFFERED": unbuffered},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        running.stdout.close()  # as `head` does, before the first line even
        assert running.stderr.read() == ""
        assert running.wait(60) == 0
