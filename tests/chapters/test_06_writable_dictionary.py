"""Chapter 6's main.py: words to write, in memory and on a real server, by one writer and by many at once."""

import asyncio
import importlib.util
import json
import sys
import threading
from urllib.parse import quote, urlencode

import pymongo
import pytest
import tornado.web
from tornado.httpclient import AsyncHTTPClient

from course.manifest import chapter as solution_of

from dictionary import ODD_WORDS, async_words, send_raw, set_event, together, well_again  # noqa: F401
from servers import Mongod, free_port


@pytest.fixture
def chapter(load):
    return load(6)


@pytest.fixture
async def service(chapter, load, serve, words):
    ready = asyncio.Event()
    await load(6, "words.py").prepare(words, ready)
    return serve(chapter.make_app(words, ready))


@pytest.fixture
def post(fetch):
    """`await post(url, definition)` posts a form with one field."""
    return lambda url, definition: fetch(url, method="POST", body=form(definition))


def form(definition: str | bytes) -> str:
    return urlencode({"definition": definition})


def answered(response, status: int) -> dict:
    """The JSON of a response that has this status, and says that it is JSON."""
    assert response.code == status, (response.code, response.body)
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    return json.loads(response.body)


def contents(collection) -> dict[str, str]:
    """The definition of each word. Fails if a word is there twice."""
    documents = list(collection.find())
    words = {document["word"]: document["definition"] for document in documents}
    assert len(words) == len(documents)
    return words


@pytest.mark.parametrize("word", ["snorkle", *ODD_WORDS], ids=ascii)
async def test_a_new_word_is_201_at_its_location_and_then_200(
    service, fetch, post, collection, word
):
    collection.delete_many({})
    url = f"{service}/{quote(word, safe='')}"
    created = await post(url, "a leafy tree")
    assert answered(created, 201) == {"word": word, "definition": "a leafy tree"}
    location = created.headers["Location"]
    found = {"word": word, "definition": "a leafy tree"}
    assert answered(await fetch(service + location), 200) == found
    changed = await post(url, "a tall tree")
    assert answered(changed, 200) == {"word": word, "definition": "a tall tree"}
    assert "Location" not in changed.headers
    assert answered(await fetch(url), 200)["definition"] == "a tall tree"


async def test_the_same_definition_again_is_200(service, post):
    assert (await post(f"{service}/tree", "a plant")).code == 201
    assert (await post(f"{service}/tree", "a plant")).code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("other=x", 400),
        ("definition=", 400),
        ("definition=%20%0A%09+", 400),
        ("definition=%00", 400),
        ("definition=%FF", 400),
        (b"definition=\xff\xfe", 400),
        ('{"definition": "x"}', 400),
        ("definition[$set]=x", 400),
        ("definition.word=x", 400),
        ("definition=" + "x" * 1_000_001, 413),
        ("definition=" + "%E6%96%87" * 333_334, 413),
        ("&".join(f"a{i}=1" for i in range(2000)), 400),
    ],
    ids=lambda value: str(value)[:24],
)
@pytest.mark.parametrize("word", ["perturb", "snorkle"])
async def test_a_bad_definition_changes_nothing(service, fetch, collection, word, body, status):
    before = contents(collection)
    response = await fetch(f"{service}/{word}", method="POST", body=body)
    assert "error" in answered(response, status)
    assert contents(collection) == before


async def test_a_json_body_is_400(service, fetch, collection):
    before = contents(collection)
    response = await fetch(
        f"{service}/perturb",
        method="POST",
        body='{"definition": {"$gt": ""}}',
        headers={"Content-Type": "application/json"},
    )
    answered(response, 400)
    assert contents(collection) == before


async def test_a_broken_multipart_body_is_400(service, fetch, collection):
    before = contents(collection)
    for body in (b"--b\r\nhalf", b"", b"--b\r\n\r\n--b--", b"\xff" * 100):
        response = await fetch(
            f"{service}/perturb",
            method="POST",
            body=body,
            headers={"Content-Type": "multipart/form-data; boundary=b"},
        )
        assert response.code == 400
    assert contents(collection) == before


async def test_a_definition_of_a_million_bytes_is_taken_whole(service, fetch, post):
    for letter, count in (("x", 1_000_000), ("文", 333_333)):
        assert (await post(f"{service}/long", letter * count)).code in (200, 201)
        answer = answered(await fetch(f"{service}/long"), 200)
        assert answer["definition"] == letter * count


async def test_of_repeated_definitions_the_last_is_taken(service, fetch, collection):
    await fetch(f"{service}/tree", method="POST", body="definition=first&definition=last")
    assert contents(collection)["tree"] == "last"


async def test_a_definition_in_the_query_is_not_taken(service, fetch, collection):
    response = await fetch(f"{service}/tree?definition=x", method="POST", body="")
    assert response.code == 400
    assert "tree" not in contents(collection)


async def test_dollars_and_dots_are_text(service, post, collection):
    for text in ("$where", "a.b", '{"$set": {"word": "x"}}', "$set.definition", "\0$\0"):
        assert (await post(f"{service}/odd", text)).code in (200, 201)
        assert contents(collection)["odd"] == text.replace("\0", " ").strip()


async def test_other_fields_of_a_document_survive(chapter, serve, post, collection, words):
    collection.insert_one({"word": "tree", "definition": "a plant", "seen": 0, "tags": ["green"]})
    service = serve(chapter.make_app(words, set_event()))

    async def count():
        for _ in range(10):
            await words.update_one({"word": "tree"}, {"$inc": {"seen": 1}})

    async def write():
        for i in range(10):
            assert (await post(f"{service}/tree", f"plant {i}")).code == 200

    await asyncio.gather(count(), write())
    document = collection.find_one({"word": "tree"}, {"_id": 0})
    expected = {"word": "tree", "definition": "plant 9", "seen": 10, "tags": ["green"]}
    assert document == expected


async def test_a_word_of_the_vocabulary_can_be_changed(service, post, collection, load):
    assert (await post(f"{service}/perturb", "to disturb")).code == 200
    vocabulary = load(6, "words.py").VOCABULARY
    assert contents(collection) == {**vocabulary, "perturb": "to disturb"}


# Many writers at once. The same measure judges chapter 6 and the notes' way.


async def measure(url: str, collection, how_many: int) -> list[str]:
    """16 writers each define the same words, so many. What is wrong afterwards, in a sentence each."""
    words = [f"word-{i}" for i in range(how_many)]
    client = AsyncHTTPClient(force_instance=True, max_clients=16)

    async def writer(number: int):
        return [
            await client.fetch(
                f"{url}/{word}", method="POST", body=form(f"{word} by {number}"), raise_error=False
            )
            for word in words
        ]

    writers = [writer(number) for number in range(16)]
    responses = [each for several in await asyncio.gather(*writers) for each in several]
    client.close()

    wrong = []
    if failed := [r for r in responses if r.code not in (200, 201)]:
        wrong.append(f"{len(failed)} requests failed")
    if (created := sum(r.code == 201 for r in responses)) != how_many:
        wrong.append(f"{created} answers say that they made a word, of {how_many} words")
    documents = list(collection.find({"word": {"$in": words}}))
    if len(documents) != how_many:
        wrong.append(f"{len(documents)} documents for {how_many} words")
    acknowledged = {(a["word"], a["definition"]) for a in (json.loads(r.body) for r in responses)}
    if {(d["word"], d["definition"]) for d in documents} - acknowledged:
        wrong.append("a definition that nobody was told of")
    return wrong


class NotesHandler(tornado.web.RequestHandler):
    """POST as in the notes: search, then insert or save the whole document. All 16 writers search before one of them writes."""

    async def post(self, word):
        definition = self.get_argument("definition")
        words = self.settings["words"]
        document = await words.find_one({"word": word})
        await self.settings["all_searched"].wait()
        if document:
            document["definition"] = definition
            await words.replace_one({"_id": document["_id"]}, document)  # collection.save
        else:
            await words.insert_one({"word": word, "definition": definition})
            self.set_status(201)
        self.write({"word": word, "definition": definition})


async def test_sixteen_writers_make_each_word_once(service, collection):
    assert await measure(service, collection, 60) == []


async def test_sixteen_writers_in_the_way_of_the_notes_make_doubles(serve, collection, words):
    barrier = asyncio.Barrier(16)
    routes = [(r"/([^/]+)", NotesHandler)]
    url = serve(tornado.web.Application(routes, words=words, all_searched=barrier))
    assert "48 documents for 3 words" in await measure(url, collection, 3)


async def test_sixteen_writers_on_the_solution_make_each_word_once(
    serve, collection, words, monkeypatch
):
    """And its history has what each of them wrote."""
    folder = solution_of("6").solution.parent
    monkeypatch.syspath_prepend(folder)  # for the modules that it imports
    spec = importlib.util.spec_from_file_location("solution_6", folder / "exercise.py")
    solution = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(solution)
    await words.create_index("word", unique=True)
    assert await measure(serve(solution.make_app(words)), collection, 20) == []
    for document in collection.find():
        word = document["word"]
        assert sorted(document["history"]) == sorted(f"{word} by {n}" for n in range(16))
        assert document["history"][-1] == document["definition"]


async def test_sixteen_writers_with_a_thread_that_runs_beside_them(service, collection):
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    stop = threading.Event()
    thread = threading.Thread(target=lambda: [sum(range(100)) for _ in iter(stop.is_set, True)])
    thread.start()
    try:
        assert await measure(service, collection, 20) == []
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(before)


async def test_only_the_names_of_this_machine_are_served(service, fetch, post, collection):
    before = contents(collection)
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil", "xlocalhost"):
        headers = {"Host": f"{host}:8000", "Origin": f"http://{host}:8000"}
        answered(await fetch(f"{service}/perturb", headers=headers), 404)
        body = form("stolen")
        response = await fetch(f"{service}/perturb", method="POST", body=body, headers=headers)
        answered(response, 404)
    assert contents(collection) == before
    answered(await fetch(f"{service}/perturb", headers={"Host": "localhost:8000"}), 200)


async def test_a_body_that_is_too_large_is_not_read(script):
    running = script(6, env={"MONGODB_URI": ""})
    head = b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 95000000\r\n\r\n"
    assert (await send_raw(running.url, head)).startswith(b"HTTP/1.1 400")


async def test_nothing_is_written_before_the_index_is_made(
    chapter, serve, fetch, post, collection, words
):
    ready = asyncio.Event()
    service = serve(chapter.make_app(words, ready))
    answered(await post(f"{service}/tree", "a plant"), 503)
    answered(await fetch(f"{service}/tree"), 503)
    assert contents(collection) == {}
    ready.set()
    answered(await post(f"{service}/tree", "a plant"), 201)


async def test_nothing_is_acknowledged_while_the_database_is_away(script, fetch, post):
    port = free_port()
    running = script(6, f"--mongo=mongodb://127.0.0.1:{port}/")
    url = f"{running.url}/snorkle"
    thirty = await together([(url, {"method": "POST", "body": form("lost")})] * 30)
    for each in thirty:
        assert answered(each.response, 503) == {"error": "Service Unavailable"}
        assert each.seconds < 10  # PyMongo itself would wait 30 s

    server = await asyncio.to_thread(Mongod, port=port)
    try:
        bodies = [form(f"kept {i}") for i in range(30)]
        thirty = await together([(url, {"method": "POST", "body": body}) for body in bodies])
        codes = [each.response.code for each in thirty]
        assert set(codes) <= {200, 201, 503}  # 503 until the index is made
        assert codes.count(201) <= 1
        assert await well_again(fetch, f"{running.url}/perturb")
        await post(url, "kept at last")
        with pymongo.MongoClient(server.uri) as client:
            words = client.example.words
            assert words.index_information()["word_1"]["unique"]
            assert contents(words)["snorkle"].startswith("kept ")
            assert len(contents(words)) == 7
    finally:
        server.close()
    assert (await post(url, "lost")).code == 503
    assert "Traceback" not in running.output()


async def test_clients_that_hang_up_half_way_leave_nothing_half_written(script, fetch, mongod):
    uri = mongod.uri.replace("/?", "/test_half?")
    running = script(6, f"--mongo={uri}")
    assert await well_again(fetch, f"{running.url}/perturb")
    body = form("whole").encode()
    head = f"POST /half HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    data = head.encode() + body
    with pymongo.MongoClient(uri) as client:
        words = client.test_half.words
        for end in [*range(0, len(data), 7), len(data) - 1]:
            await send_raw(running.url, data[:end], hang_up=True)
        assert "half" not in contents(words)
        # A request that is whole is done, whether or not its client stays to hear it: all or nothing.
        for _ in range(5):
            await send_raw(running.url, data, hang_up=True)
        assert (await fetch(f"{running.url}/perturb")).code == 200
        assert contents(words).get("half", "whole") == "whole"
        client.drop_database("test_half")
    assert "Traceback" not in running.output()


@pytest.mark.parametrize("where", ["mongomock", "mongod"])
async def test_broken_requests_leave_a_service_that_answers(request, script, fetch, post, where):
    uri = ""
    if where == "mongod":
        uri = request.getfixturevalue("mongod").uri.replace("/?", "/test_broken_06?")
    running = script(6, env={"MONGODB_URI": uri})
    assert await well_again(fetch, f"{running.url}/perturb")
    length = b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\nConnection: close\r\n"
    for data in (
        b"POST /" + b"w" * 1_000_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n"
        + b"definition=x",
        b"POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        length % 12 + b"Content-Encoding: gzip\r\n\r\ndefinition=x",
        b"POST /\xff HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
    ):
        answer = await send_raw(running.url, data, hang_up=b"/\xff" in data)
        assert not answer.startswith((b"HTTP/1.1 5", b"HTTP/1.1 2")), (data[:80], answer)
    assert (await post(f"{running.url}/x", "well")).code == 201
    assert "Traceback" not in running.output()


def test_the_script_says_that_it_is_in_memory_and_ends_at_ctrl_c(script):
    running = script(6, env={"MONGODB_URI": ""})
    assert running.stop() == 0
    assert running.output() == (
        "Words are in memory (mongomock): gone at exit. --mongo=URI keeps them in MongoDB.\n"
    )


async def test_acknowledged_words_survive_a_kill(script, fetch, post):
    server = await asyncio.to_thread(Mongod, replica_set=True)
    try:
        running = script(6, f"--mongo={server.uri}")
        assert await well_again(fetch, f"{running.url}/perturb")
        bodies = [form(f"kept {i}") for i in range(200)]
        urls = [f"{running.url}/word-{i}" for i in range(200)]
        requests = [(u, {"method": "POST", "body": b}) for u, b in zip(urls, bodies, strict=True)]
        sent = await together(requests)
        kept = {
            json.loads(each.response.body)["word"] for each in sent if each.response.code == 201
        }
        server.kill()
        await asyncio.to_thread(server.start)
        assert {each.response.code for each in sent} <= {201, 503}  # a busy machine refuses some
        assert kept
        with pymongo.MongoClient(server.uri) as client:
            assert kept <= contents(client.example.words).keys()
        assert await well_again(fetch, urls[0])
    finally:
        server.close()
