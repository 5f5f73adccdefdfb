"""Chapter 5's main.py: words to read, in memory and on a real server, and a server that comes and goes."""

import asyncio
import datetime
import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pymongo
import pytest
from conftest import folder_of

from dictionary import ODD_WORDS, SlowCollection, send_raw, together, well_again
from servers import Mongod, crowded, free_port


@pytest.fixture
def chapter(load):
    return load(5)


@pytest.fixture
def vocabulary(load):
    return load(5, "words.py").VOCABULARY


@pytest.fixture
def service(chapter, serve, collection):
    return serve(chapter.make_app(collection))


def answered(response, status: int) -> dict:
    """The JSON of a response that has this status, and says that it is JSON."""
    assert response.code == status, (response.code, response.body)
    assert response.headers["Content-Type"] == "application/json; charset=UTF-8"
    return json.loads(response.body)


def test_chapters_5_and_6_share_their_words_byte_for_byte():
    assert (folder_of(5) / "words.py").read_bytes() == (folder_of(6) / "words.py").read_bytes()


async def test_every_word_of_the_vocabulary_is_found(service, fetch, vocabulary):
    for word, definition in vocabulary.items():
        answer = answered(await fetch(f"{service}/{quote(word)}"), 200)
        assert answer == {"word": word, "definition": definition}


async def test_an_unknown_word_is_404(service, fetch):
    assert answered(await fetch(f"{service}/snorkle"), 404) == {"error": "word not found"}


@pytest.mark.parametrize("word", ODD_WORDS, ids=ascii)
async def test_any_word_can_be_asked_for(chapter, serve, fetch, collection, word):
    collection.insert_one({"word": word, "definition": "odd"})
    service = serve(chapter.make_app(collection))
    path = quote(word, safe="")
    assert answered(await fetch(f"{service}/{path}"), 200) == {"word": word, "definition": "odd"}
    assert answered(await fetch(f"{service}/{path}x"), 404) == {"error": "word not found"}


@pytest.mark.parametrize("path", ["/%FF", "/%C3%28", "/perturb%80"])
async def test_a_word_that_is_not_utf8_is_400(service, fetch, path):
    assert "error" in answered(await fetch(service + path), 400)


@pytest.mark.parametrize("path", ["/", "/a/b", "/perturb/", "//"])
async def test_a_path_that_is_no_word_is_404_in_json(service, fetch, path):
    assert answered(await fetch(service + path), 404) == {"error": "Not Found"}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_there_is_nothing_to_write_here(service, fetch, collection, method):
    before = list(collection.find())
    response = await fetch(f"{service}/perturb", method=method, body=b"definition=x")
    assert answered(response, 405) == {"error": "Method Not Allowed"}
    assert list(collection.find()) == before


async def test_what_else_is_in_a_document_stays_there(chapter, serve, fetch, collection):
    now = datetime.datetime.now(datetime.UTC)
    collection.insert_one({"word": "tree", "definition": "a plant", "added": now, "raw": b"\xff"})
    service = serve(chapter.make_app(collection))
    answer = answered(await fetch(f"{service}/tree"), 200)
    assert answer == {"word": "tree", "definition": "a plant"}


def test_words_that_are_there_are_not_mixed_with_ours(chapter, collection):
    collection.insert_one({"word": "tree", "definition": "a plant"})
    chapter.make_app(collection)
    assert [document["word"] for document in collection.find()] == ["tree"]


def test_many_that_start_at_once_make_each_word_once(chapter, collection, vocabulary):
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: chapter.make_app(collection), range(16)))
    assert sorted(document["word"] for document in collection.find()) == sorted(vocabulary)
    assert collection.index_information()["word_1"]["unique"]


async def test_tracebacks_are_shown_only_when_asked_for(chapter, serve, fetch, collection):
    shown = serve(chapter.make_app(collection, serve_traceback=True))
    answer = answered(await fetch(f"{shown}/snorkle"), 404)
    assert answer["traceback"][-1].strip().endswith("HTTP 404: word not found")


async def test_a_slow_database_stops_nobody_else(chapter, serve, collection):
    app = chapter.make_app(collection)
    [words] = {rule.target_kwargs["words"] for rule in app.wildcard_router.rules}
    words.collection = SlowCollection(collection, 1.0)
    service = serve(app)
    slow = [(f"{service}/perturb", {})] * 30
    *thirty, other = await together([*slow, (f"{service}/no/word", {})])
    assert other.response.code == 404
    assert other.seconds < 0.9
    assert {each.response.code for each in thirty} == {200}
    assert max(each.seconds for each in thirty) < 3  # in turn it would be 30 s


def test_the_script_says_that_it_is_in_memory_and_ends_at_ctrl_c(script):
    running = script(5, env={"MONGODB_URI": ""})
    assert running.stop() == 0
    assert running.output() == (
        "Words are in memory (mongomock): gone at exit. --mongo=URI keeps them in MongoDB.\n"
    )


@pytest.mark.parametrize("way", ["option", "variable"])
async def test_the_script_uses_the_server_that_it_is_told(script, fetch, mongod, way):
    uri = mongod.uri.replace("/?", f"/test_script_{way}?")
    if way == "option":
        running = script(5, f"--mongo={uri}", env={"MONGODB_URI": ""})
    else:
        running = script(5, env={"MONGODB_URI": uri})
    with pymongo.MongoClient(uri) as client:
        words = client.get_default_database().words
        words.insert_one({"word": "snorkle", "definition": "to breathe under water"})
        answer = answered(await fetch(f"{running.url}/snorkle"), 200)
        client.drop_database(words.database)
    assert answer == {"word": "snorkle", "definition": "to breathe under water"}
    assert "in memory" not in running.output()


async def test_a_database_that_is_away_is_503_in_a_second_and_all_is_well_when_it_is_back(
    script, fetch, vocabulary
):
    port = free_port()
    running = script(5, f"--mongo=mongodb://127.0.0.1:{port}/")
    assert len(running.output().splitlines()) == 1
    assert "503 for every word until MongoDB answers" in running.output()

    thirty = await together([(f"{running.url}/perturb", {})] * 30)
    limit = 2 * crowded()
    for each in thirty:
        answer = answered(each.response, 503)
        assert answer == {"error": "the database does not answer"}
        assert each.seconds < limit
    assert "Traceback" not in running.output()

    server = await asyncio.to_thread(Mongod, port=port)
    try:
        assert await well_again(fetch, f"{running.url}/perturb")
        with pymongo.MongoClient(server.uri) as client:
            assert client.example.words.count_documents({}) == len(vocabulary)
            assert client.example.words.index_information()["word_1"]["unique"]

        server.process.send_signal(signal.SIGSTOP)  # there, and silent
        thirty = await together([(f"{running.url}/perturb", {})] * 30)
        assert {each.response.code for each in thirty} == {503}
        assert max(each.seconds for each in thirty) < 2 * crowded()
        server.process.send_signal(signal.SIGCONT)
        assert await well_again(fetch, f"{running.url}/perturb")

        server.kill()  # and away again, in the middle of its work
        start = time.monotonic()
        assert (await fetch(f"{running.url}/perturb")).code == 503
        assert time.monotonic() - start < 2 * crowded()
        await asyncio.to_thread(server.start)
        assert await well_again(fetch, f"{running.url}/perturb")
    finally:
        server.close()
    assert "Traceback" not in running.output()


async def test_a_collection_with_doubles_is_refused_in_one_line(script, fetch, mongod):
    uri = mongod.uri.replace("/?", "/test_doubles?")
    with pymongo.MongoClient(uri) as client:
        client.test_doubles.words.insert_many([{"word": "twice"}, {"word": "twice"}])
        running = script(5, f"--mongo={uri}")
        assert len(running.output().splitlines()) == 1
        answered(await fetch(f"{running.url}/twice"), 503)
        client.drop_database("test_doubles")
    assert "Traceback" not in running.output()


@pytest.mark.parametrize("where", ["mongomock", "mongod"])
async def test_broken_requests_leave_a_service_that_answers(request, script, fetch, where):
    uri = ""
    if where == "mongod":
        uri = request.getfixturevalue("mongod").uri.replace("/?", "/test_broken_05?")
    running = script(5, env={"MONGODB_URI": uri})
    whole = b"GET /perturb HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    broken = {
        "a word of 1 MB": b"GET /" + b"w" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        "raw bytes that are no UTF-8": whole.replace(b"perturb", b"\xff\xfe\x80"),
        "raw UTF-8": whole.replace(b"perturb", "中文".encode()),
        "a NUL": whole.replace(b"perturb", b"per\0turb"),
        "no HTTP": b"\x16\x03\x01" * 100 + b"\r\n\r\n",
        "a body that says less than it is": whole.replace(b"Host", b"Content-Length: 1\r\nHost"),
    }
    for what, data in broken.items():
        hang_up = what.startswith("a body")
        answer = await send_raw(running.url, data, hang_up=hang_up)
        assert not answer.startswith(b"HTTP/1.1 5"), (what, answer)
    for end in range(0, len(whole), 5):
        await send_raw(running.url, whole[:end], hang_up=True)
    assert (await fetch(f"{running.url}/perturb")).code == 200
    assert "Traceback" not in running.output()
