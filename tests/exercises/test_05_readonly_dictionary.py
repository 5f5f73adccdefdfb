"""The checks of chapter 5's exercise."""

import time

import pytest

CHANGED = "Fri, 04 May 2012 12:30:15 GMT"
EITHER_CASE = '"$options": "i" in a filter with "$regex" ignores the case of letters.'
ONE_AFTER_THE_OTHER = (
    "The lookups wait for each other, as with a lock or a semaphore around them. Remove it: the "
    "event loop runs other requests while one awaits the database."
)


@pytest.fixture
def app(learner):
    """The learner's application, with the words of these checks."""
    served = learner.serve("dictionary")
    served.reproducible = True  # make run-5 serves the same words
    return served


def expect_together(learner, path):
    """Five requests must have their lookups under way at the same time, in a database that does not respond yet."""
    app = learner.serve("slow_dictionary")
    pending = [app.start(path, timeout=30) for _ in range(5)]
    for _ in range(200):  # each round lets the exercise run: on a busy machine they take longer
        if learner.call("under_way") == 5 or all(each.done for each in pending):
            break
        time.sleep(0.01)
    most = learner.call("under_way")
    learner.call("respond")
    answers = [each.answer().expect(200) for each in pending]
    if most < 5:
        expected = "five requests at the same time, and five lookups under way together"
        answers[0].wrong(expected, f"at most {most} under way together", ONE_AFTER_THE_OTHER)


@pytest.mark.task(1)
@pytest.mark.parametrize("word", ["cat", "CAT", "Cat"])
def test_a_word_is_found_in_any_case(app, word):
    app.ask(f"/word/{word}").expect(200, cause=EITHER_CASE).expect(
        json={"word": "cat", "definition": "an animal"},
        cause="Send the word and the definition of the document, as they are stored.",
    )


@pytest.mark.task(1)
def test_the_answer_has_the_word_as_it_is_stored(app):
    app.ask("/word/aJAX").expect(200, cause=EITHER_CASE).expect(
        200,
        json={"word": "Ajax", "definition": "a hero; a way to ask a server"},
        cause="Send the word of the document, not the word of the request.",
    )


@pytest.mark.task(1)
def test_the_other_fields_of_a_document_are_not_in_the_answer(app):
    app.ask("/word/tree").expect(
        200,
        json={"word": "tree", "definition": "a plant"},
        cause='Send only the word and the definition. A projection {"_id": 0, "word": 1, "definition": 1} '
        "leaves the rest in the database.",
    )


@pytest.mark.task(1)
@pytest.mark.parametrize("word", ["snorkle", "ca", "cats", "at"])
def test_an_unknown_word_is_404(app, word):
    app.ask(f"/word/{word}").expect(
        404,
        cause="If find_one returns None, respond with 404. A regular expression between ^ and $ matches whole words only.",
    )


@pytest.mark.task(1)
@pytest.mark.parametrize("word", ["c.t", ".*", "cat|dog", "%5Ba-z%5D+"])
def test_a_word_is_not_a_regular_expression(app, word):
    app.ask(f"/word/{word}").expect(
        404, cause="re.escape(word) takes away the special meaning of characters such as the dot."
    )


@pytest.mark.task(1)
@pytest.mark.parametrize(
    ("path", "word"),
    [("/word/C++", "c++"), ("/word/中文", "中文"), ("/word/Ice-Cream", "ice-cream")],
)
def test_a_word_with_special_characters_is_found(app, path, word):
    answer = app.ask(path).expect(200, cause="Escape the word, and no more: re.escape(word).")
    if answer.json().get("word") != word:
        answer.wrong(f'the word "{word}"', cause="Escape the word, and no more: re.escape(word).")


@pytest.mark.task(1)
def test_lookups_of_several_requests_are_under_way_together(learner):
    expect_together(learner, "/word/cat")


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
def test_search_returns_the_words_with_the_prefix_in_order(app, query, words):
    app.ask(f"/search?{query}").expect(
        200,
        json={"words": words},
        cause='find({"word": {"$regex": "^" + re.escape(prefix)}}) finds them; .sort("word") and '
        ".limit(limit) put them in order and end the list.",
    )


@pytest.mark.task(2)
@pytest.mark.parametrize(("query", "count"), [("", 10), ("&limit=100", 100)])
def test_search_returns_ten_words_or_the_limit(app, query, count):
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
def test_a_prefix_is_not_a_regular_expression(app, prefix, words):
    app.ask(f"/search?prefix={prefix}").expect(
        200,
        json={"words": words},
        cause="Escape the prefix, but not the ^ before it. A space counts too: get_query_argument(..., strip=False).",
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
        cause="get_query_argument without a default responds with 400. int() raises ValueError, and "
        "your code must check the range.",
    )


@pytest.mark.task(2)
def test_searches_of_several_requests_are_under_way_together(learner):
    expect_together(learner, "/search?prefix=ice")


@pytest.mark.task(3)
def test_a_document_with_a_date_has_last_modified(app):
    app.ask("/word/tree").expect(
        200,
        headers={"Last-Modified": CHANGED},
        cause='self.set_header("Last-Modified", changed) formats a datetime for HTTP.',
    )


@pytest.mark.task(3)
@pytest.mark.parametrize("since", [CHANGED, "Sat, 05 May 2012 00:00:00 GMT"])
def test_a_client_with_the_current_version_gets_304(app, since):
    answer = app.ask("/word/tree", headers={"If-Modified-Since": since}).expect(
        304,
        cause="HTTP dates have whole seconds, MongoDB has milliseconds: set them to 0 and compare with <=.",
    )
    if answer.body:
        answer.wrong("no body", cause="After set_status(304) return, without write().")


@pytest.mark.task(3)
@pytest.mark.parametrize(
    "since", ["Fri, 04 May 2012 12:30:14 GMT", "Mon, 01 Jan 1990 00:00:00 GMT"]
)
def test_a_client_with_an_old_version_gets_200(app, since):
    app.ask("/word/tree", headers={"If-Modified-Since": since}).expect(
        200, contains="a plant", cause="The document was changed after the date in the request."
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
def test_a_date_that_cannot_be_parsed_is_ignored(app, since):
    app.ask("/word/tree", headers={"If-Modified-Since": since}).expect(
        200,
        cause="parsedate_to_datetime raises ValueError, and OverflowError for a year that is too large: catch both, "
        "and respond as if the header were missing.",
    ).expect(contains="a plant")


@pytest.mark.task(3)
def test_a_date_without_a_zone_is_no_error(app):
    answer = app.ask("/word/tree", headers={"If-Modified-Since": "Fri, 04 May 2012 12:30:15 -0000"})
    if answer.status != 304:
        answer.expect(
            200,
            cause="parsedate_to_datetime returns a time without a time zone for -0000, which cannot be compared "
            "with a time that has one.",
        )


@pytest.mark.task(3)
def test_a_document_without_a_date_has_no_last_modified(app):
    app.ask("/word/cat", headers={"If-Modified-Since": "Sat, 05 May 2012 00:00:00 GMT"}).expect(
        200,
        contains="an animal",
        headers={"Last-Modified": None},
        cause='Most documents have no "changed": document.get("changed") is None for them.',
    )
