"""The checks of chapter 5's exercise."""

import pytest

CHANGED = "Fri, 04 May 2012 12:30:15 GMT"
EITHER_CASE = '"$options": "i" in a filter with "$regex" makes large and small letters the same.'
BLOCKING = (
    "A call of PyMongo's blocks. Await it in a thread, asyncio.to_thread(...): the iteration of "
    "a cursor, too, asks the server."
)


@pytest.fixture
def app(learner):
    """The learner's application, with the words of these checks."""
    return learner.serve("dictionary")


@pytest.mark.task(1)
@pytest.mark.parametrize("word", ["cat", "CAT", "Cat"])
def test_a_word_is_found_in_any_case(app, word):
    app.ask(f"/word/{word}").expect(200, cause=EITHER_CASE).expect(
        json={"word": "cat", "definition": "an animal"},
        cause="Answer the document's word and definition, as they are stored.",
    )


@pytest.mark.task(1)
def test_the_answer_has_the_word_as_it_is_stored(app):
    app.ask("/word/aJAX").expect(200, cause=EITHER_CASE).expect(
        200,
        json={"word": "Ajax", "definition": "a hero; a way to ask a server"},
        cause="Answer the document's word, not the client's.",
    )


@pytest.mark.task(1)
def test_the_other_fields_of_a_document_are_not_in_the_answer(app):
    app.ask("/word/tree").expect(
        200,
        json={"word": "tree", "definition": "a plant"},
        cause='Answer its word and its definition alone. A projection {"_id": 0, "word": 1, "definition": 1} '
        "leaves the rest in the database.",
    )


@pytest.mark.task(1)
@pytest.mark.parametrize("word", ["snorkle", "ca", "cats", "at"])
def test_a_word_that_is_not_there_is_404(app, word):
    app.ask(f"/word/{word}").expect(
        404,
        cause="find_one gives None: raise HTTPError(404). ^ and $ say that it is the whole word.",
    )


@pytest.mark.task(1)
@pytest.mark.parametrize("word", ["c.t", ".*", "cat|dog", "%5Ba-z%5D+"])
def test_a_word_is_text_and_no_regular_expression(app, word):
    app.ask(f"/word/{word}").expect(
        404, cause="re.escape(word) makes text of what would be an expression."
    )


@pytest.mark.task(1)
@pytest.mark.parametrize(
    ("path", "word"),
    [("/word/C++", "c++"), ("/word/中文", "中文"), ("/word/Ice-Cream", "ice-cream")],
)
def test_a_word_with_other_signs_is_found(app, path, word):
    answer = app.ask(path).expect(200, cause="Escape the word, and no more: re.escape(word).")
    if answer.json().get("word") != word:
        answer.wrong(f'the word "{word}"', cause="Escape the word, and no more: re.escape(word).")


@pytest.mark.task(1)
def test_looking_up_a_word_stops_nobody(learner):
    slow = learner.serve("slow_dictionary", seconds=0.3)
    slow.ask_without_blocking("/word/cat", cause=BLOCKING).expect(200)


@pytest.mark.task(2)
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("prefix=ice", ["ice-cream", "iced"]),
        ("prefix=Ice", ["Icelandic"]),
        ("prefix=ice&limit=1", ["ice-cream"]),
        ("prefix=x&limit=3", ["x000", "x001", "x002"]),
        ("prefix=%E4%B8%AD", ["中文"]),
        ("prefix=nothing", []),
        ("prefix=ce", []),
    ],
)
def test_search_gives_what_begins_so_in_order(app, query, words):
    app.ask(f"/search?{query}").expect(
        200,
        json={"words": words},
        cause='find({"word": {"$regex": "^" + re.escape(prefix)}}), then .sort("word", 1), then '
        ".limit(limit).",
    )


@pytest.mark.task(2)
@pytest.mark.parametrize(("query", "count"), [("", 10), ("&limit=100", 100)])
def test_search_gives_ten_or_the_limit(app, query, count):
    answer = app.ask(f"/search?prefix=x{query}").expect(200)
    found = len(answer.json().get("words", []))
    if found != count:
        cause = 'get_query_argument("limit", "10") has a default.'
        answer.wrong(f"{count} words", f"{found} words", cause)


@pytest.mark.task(2)
@pytest.mark.parametrize(
    ("prefix", "words"),
    [(".", [".profile"]), ("c%2B", ["c++"]), ("x.*", []), ("%5B", []), ("%20ice", [])],
)
def test_a_prefix_is_text_and_no_regular_expression(app, prefix, words):
    app.ask(f"/search?prefix={prefix}").expect(
        200,
        json={"words": words},
        cause="re.escape(prefix) makes text of it; ^ stays outside. A blank is text as well: strip=False.",
    )


@pytest.mark.task(2)
@pytest.mark.parametrize(
    "query",
    ["", "limit=5", *[f"prefix=x&limit={n}" for n in ("abc", "0", "-1", "101", "1.5", "9" * 5000)]],
    ids=lambda query: query[:24],
)
def test_search_refuses_a_missing_prefix_and_a_bad_limit(app, query):
    app.ask(f"/search?{query}").expect(
        400,
        cause="Without a default get_query_argument answers 400; int() raises ValueError, and "
        "the range is yours to check.",
    )


@pytest.mark.task(2)
def test_a_search_stops_nobody(learner):
    slow = learner.serve("slow_dictionary", seconds=0.3)
    slow.ask_without_blocking("/search?prefix=ice", cause=BLOCKING).expect(200)


@pytest.mark.task(3)
def test_a_document_that_was_changed_says_when(app):
    app.ask("/word/tree").expect(
        200,
        headers={"Last-Modified": CHANGED},
        cause='self.set_header("Last-Modified", changed) writes a datetime as HTTP wants it.',
    )


@pytest.mark.task(3)
@pytest.mark.parametrize("since", [CHANGED, "Sat, 05 May 2012 00:00:00 GMT"])
def test_what_the_client_knows_is_304(app, since):
    answer = app.ask("/word/tree", headers={"If-Modified-Since": since}).expect(
        304,
        cause="HTTP has whole seconds, the database milliseconds: compare without them, with <=.",
    )
    if answer.body:
        answer.wrong("no body", cause="After set_status(304) return, without write().")


@pytest.mark.task(3)
@pytest.mark.parametrize(
    "since", ["Fri, 04 May 2012 12:30:14 GMT", "Mon, 01 Jan 1990 00:00:00 GMT"]
)
def test_what_was_changed_since_then_is_200(app, since):
    app.ask("/word/tree", headers={"If-Modified-Since": since}).expect(
        200, contains="a plant", cause="It was changed after the date of the client."
    )


@pytest.mark.task(3)
@pytest.mark.parametrize(
    "since",
    [
        "yesterday",
        "2012-05-04",
        "Fri, 04 Mai 2012 12:30:15 GMT",
        f"Fri, 04 May {'9' * 30} 12:30:15 GMT",
        "1",
        ",",
    ],
)
def test_a_date_that_cannot_be_read_is_ignored(app, since):
    app.ask("/word/tree", headers={"If-Modified-Since": since}).expect(
        200,
        contains="a plant",
        cause="parsedate_to_datetime raises ValueError, and OverflowError for a year without end: catch both, "
        "and answer as if there were none.",
    )


@pytest.mark.task(3)
def test_a_date_without_a_zone_is_no_error(app):
    answer = app.ask("/word/tree", headers={"If-Modified-Since": "Fri, 04 May 2012 12:30:15 -0000"})
    if answer.status != 304:
        answer.expect(
            200,
            cause="parsedate_to_datetime gives a time without a zone for -0000: it cannot be compared "
            "with one that has a zone.",
        )


@pytest.mark.task(3)
def test_a_document_that_was_never_changed_has_no_date(app):
    app.ask("/word/cat", headers={"If-Modified-Since": "Sat, 05 May 2012 00:00:00 GMT"}).expect(
        200,
        contains="an animal",
        headers={"Last-Modified": None},
        cause='Most documents have no "changed": document.get("changed") is None for them.',
    )
