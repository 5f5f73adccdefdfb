"""Chapter 5's main.py: words to read, in memory and on a real server, and a server that comes and goes."""

import asyncio
import datetime
import json
import signal
import sys
from urllib.parse import quote

import pymongo
import pytest
from pymongo.errors import AutoReconnect

from course.manifest import chapter as chapter_of

from dictionary import ODD_WORDS, async_words, send_raw, set_event, together, until, well_again  # noqa: F401
from servers import Mongod, free_port

LIMIT = 10  # seconds: PyMongo itself would wait 30, and thirty in turn as well


@pytest.fixture
def chapter(load):
    return load(5)


@pytest.fixture
def module(load):
    """words.py"""
    return load(5, "words.py")


@pytest.fixture
def vocabulary(module):
    return module.VOCABULARY


@pytest.fixture
async def service(chapter, module, serve, words):
    ready = asyncio.Event()
    await module.prepare(words, ready)
    return serve(chapter.make_app(words, ready))


def answered(response, status: int) -> dict:
    """The JSON of a response that has this status, and says that it is JSON."""
    assert response.code == status, (response.code, response.body)
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    return json.loads(response.body)


@pytest.mark.parametrize("name", ["words.py", "memory.py", "samples.py"])
def test_chapters_5_and_6_share_their_modules_byte_for_byte(name):
    five, six = (chapter_of(number).script.with_name(name) for number in "56")
    assert five.read_bytes() == six.read_bytes()


async def test_every_word_of_the_vocabulary_is_found(service, fetch, vocabulary):
    for word, definition in vocabulary.items():
        answer = answered(await fetch(f"{service}/{quote(word)}"), 200)
        assert answer == {"word": word, "definition": definition}


async def test_an_unknown_word_is_404(service, fetch):
    assert answered(await fetch(f"{service}/snorkle"), 404) == {"error": "word not found"}


@pytest.mark.parametrize("word", ODD_WORDS, ids=ascii)
async def test_any_word_can_be_asked_for(chapter, serve, fetch, collection, words, word):
    collection.insert_one({"word": word, "definition": "odd"})
    service = serve(chapter.make_app(words, set_event()))
    path = quote(word, safe="")
    assert answered(await fetch(f"{service}/{path}"), 200) == {"word": word, "definition": "odd"}
    assert answered(await fetch(f"{service}/{path}x"), 404) == {"error": "word not found"}


@pytest.mark.parametrize("path", ["/%FF", "/%C3%28", "/perturb%80"])
async def test_a_word_that_is_not_utf8_is_400(service, fetch, path):
    assert "error" in answered(await fetch(service + path), 400)


@pytest.mark.parametrize("path", ["/", "/a/b", "/perturb/", "//"])
async def test_a_path_that_is_not_a_word_is_404_in_json(service, fetch, path):
    assert answered(await fetch(service + path), 404) == {"error": "Not Found"}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_there_is_nothing_to_write_here(service, fetch, collection, method):
    before = list(collection.find())
    response = await fetch(f"{service}/perturb", method=method, body=b"definition=x")
    assert answered(response, 405) == {"error": "Method Not Allowed"}
    assert list(collection.find()) == before


async def test_what_else_is_in_a_document_stays_there(chapter, serve, fetch, collection, words):
    now = datetime.datetime.now(datetime.UTC)
    collection.insert_one({"word": "tree", "definition": "a plant", "added": now, "raw": b"\xff"})
    service = serve(chapter.make_app(words, set_event()))
    answer = answered(await fetch(f"{service}/tree"), 200)
    assert answer == {"word": "tree", "definition": "a plant"}


async def test_words_that_are_there_are_not_mixed_with_ours(module, collection, words):
    collection.insert_one({"word": "tree", "definition": "a plant"})
    await module.prepare(words, asyncio.Event())
    assert [document["word"] for document in collection.find()] == ["tree"]


async def test_many_that_start_at_once_make_each_word_once(module, collection, words, vocabulary):
    await asyncio.gather(*(module.prepare(words, asyncio.Event()) for _ in range(16)))
    assert sorted(document["word"] for document in collection.find()) == sorted(vocabulary)
    assert collection.index_information()["word_1"]["unique"]


async def test_tracebacks_are_shown_only_when_asked_for(chapter, serve, fetch):
    """And in JSON never: they are in the log."""
    app = chapter.make_app(Slow(TypeError("a secret")), set_event(), serve_traceback=True)
    assert answered(await fetch(f"{serve(app)}/x"), 500) == {"error": "Internal Server Error"}


class Slow:
    """A collection whose lookups wait for `gate`, and then return or raise `result`. It counts them."""

    def __init__(self, result=None):
        self.gate, self.result, self.waiting = set_event(), result, 0

    async def find_one(self, *_):
        self.waiting += 1
        await self.gate.wait()
        self.waiting -= 1
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


async def test_a_slow_database_delays_no_other_client(chapter, serve, fetch):
    words = Slow({"word": "perturb", "definition": "d"})
    words.gate.clear()
    service = serve(chapter.make_app(words, set_event()))
    thirty = asyncio.create_task(together([(f"{service}/perturb", {})] * 30))
    while words.waiting < 30:  # all of them wait together
        await asyncio.sleep(0.01)
    assert (await fetch(f"{service}/no/word")).code == 404
    assert not thirty.done()
    words.gate.set()
    assert {each.response.code for each in await thirty} == {200}


async def test_before_the_index_is_made_each_word_is_503(chapter, serve, fetch):
    words, ready = Slow({"word": "perturb", "definition": "d"}), asyncio.Event()
    service = serve(chapter.make_app(words, ready))
    for path in ("/perturb", "/snorkle"):
        assert answered(await fetch(service + path), 503) == {"error": "Service Unavailable"}
    ready.set()
    answered(await fetch(f"{service}/perturb"), 200)


async def test_an_error_of_the_database_is_503_and_a_short_line_in_the_log(
    chapter, serve, fetch, caplog
):
    words = Slow(AutoReconnect("connection refused " * 50))
    service = serve(chapter.make_app(words, set_event()))
    assert answered(await fetch(f"{service}/x"), 503) == {"error": "Service Unavailable"}
    assert all(len(record.getMessage()) < 150 for record in caplog.records)
    assert not any(record.exc_info for record in caplog.records)


async def test_errors_without_an_exception_are_json(chapter, serve, fetch):
    class Forbidden(chapter.JSONHandler):
        def get(self):
            self.send_error(403)

    app = chapter.make_app(Slow(), set_event(), serve_traceback=True)
    app.add_handlers(".*", [("/for/bidden", Forbidden)])
    answered(await fetch(f"{serve(app)}/for/bidden"), 403)


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://me:p@ss@host",
        "mongodb://127.0.0.1:99999",
        "mongodb+srv://no-such-name.invalid/",
        "http://127.0.0.1",
        "mongodb://127.0.0.1/?tls=true&tlsCAFile=/no/such/file",
    ],
)
@pytest.mark.parametrize("number", [5, 6])
def test_a_uri_that_cannot_be_used_is_one_line_and_status_1(script, number, uri):
    running = script(number, f"--mongo={uri}", wait=False)
    assert running.process.wait(30) == 1
    [line] = running.output().splitlines()
    assert line.startswith("main.py: --mongo: ")
    assert "p@ss" not in line


@pytest.mark.parametrize("switch_interval", [1e-5])
async def test_a_hundred_clients_at_a_time_get_200_alone(
    chapter, module, serve, load, switch_interval
):
    before = sys.getswitchinterval()
    sys.setswitchinterval(switch_interval)
    try:
        async with module.connect("") as memory:
            ready = asyncio.Event()
            await module.prepare(memory, ready)
            url = f"{serve(chapter.make_app(memory, ready))}/perturb"
            for _ in range(3):
                found = await together([(url, {})] * 100)
                assert {each.response.code for each in found} == {200}
    finally:
        sys.setswitchinterval(before)


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
        assert await well_again(fetch, f"{running.url}/perturb")
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
    thirty = await together([(f"{running.url}/perturb", {})] * 30)
    for each in thirty:
        assert answered(each.response, 503) == {"error": "Service Unavailable"}
        assert each.seconds < LIMIT
    await until(
        lambda: "503 for every word for now. ServerSelectionTimeoutError" in running.output()
    )
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
        assert max(each.seconds for each in thirty) < LIMIT
        server.process.send_signal(signal.SIGCONT)
        assert await well_again(fetch, f"{running.url}/perturb")

        server.kill()  # and away again, in the middle of its work
        thirty = await together([(f"{running.url}/perturb", {})] * 30)
        assert {each.response.code for each in thirty} == {503}
        assert max(each.seconds for each in thirty) < LIMIT
        await asyncio.to_thread(server.start)
        assert await well_again(fetch, f"{running.url}/perturb")
    finally:
        server.close()
    assert "Traceback" not in running.output()
    assert max(map(len, running.output().splitlines())) < 200
    assert running.stop() == 0


async def test_a_collection_with_doubles_is_refused_in_one_line(script, fetch, mongod):
    uri = mongod.uri.replace("/?", "/test_doubles?")
    with pymongo.MongoClient(uri) as client:
        client.test_doubles.words.insert_many([{"word": "twice"}, {"word": "twice"}])
        running = script(5, f"--mongo={uri}")
        await until(lambda: "DuplicateKeyError" in running.output())
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
    assert await well_again(fetch, f"{running.url}/perturb")
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
