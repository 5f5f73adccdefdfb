"""The checks of chapter 6's exercise."""

import pytest

CAT = {"word": "cat", "definition": "an animal", "seen": 7}
ONE_OPERATION = (
    "Between an operation that looks and one that writes, another client came: it takes one "
    "operation, and its result says what happened."
)


@pytest.fixture
def app(learner):
    """The learner's application, with one word."""
    return learner.serve("dictionary")


def stored(learner, word):
    """The documents of a word."""
    return [document for document in learner.call("look") if document["word"] == word]


def expect_stored(answer, learner, word, documents, cause):
    found = stored(learner, word)
    if found != documents:
        answer.wrong(f"in the database {documents}", f"in the database {found}", cause)


@pytest.mark.task(1)
def test_a_word_that_is_deleted_is_gone(app, learner):
    answer = app.ask("/cat", "DELETE").expect(
        204, cause="delete_one, and then set_status(204) without write()."
    )
    expect_stored(answer, learner, "cat", [], "delete_one has not been asked for this word.")
    app.ask("/cat").expect(404, cause="The word is still there after the DELETE.")


@pytest.mark.task(1)
def test_a_word_that_is_not_there_cannot_be_deleted(app, learner):
    answer = app.ask("/snorkle", "DELETE").expect(
        404, cause="delete_one tells how many it deleted: deleted_count is 0."
    )
    expect_stored(answer, learner, "cat", [CAT], "Another word was deleted.")


@pytest.mark.task(1)
def test_of_two_that_delete_at_once_one_is_told_404(learner):
    app = learner.serve("together", clients=2)
    answers = app.together([("/cat", {"method": "DELETE"})] * 2)
    if sorted(answer.status for answer in answers) != [204, 404]:
        got = " and ".join(sorted(str(answer.status) for answer in answers))
        answers[0].wrong("204 for one of two at once, 404 for the other", got, ONE_OPERATION)


@pytest.mark.task(2)
@pytest.mark.parametrize("word", ["snorkle", "中文"])
def test_put_makes_a_word(app, learner, word):
    answer = app.ask(f"/{word}", "PUT", json={"definition": "a tree"}).expect(
        201,
        json={"word": word, "definition": "a tree"},
        cause="update_one(..., upsert=True) makes it; its result then has an upserted_id.",
    )
    found = [document.get("definition") for document in stored(learner, word)]
    if found != ["a tree"]:
        answer.wrong("one document with the definition", str(found), "The word is not stored.")


@pytest.mark.task(2)
@pytest.mark.parametrize(
    ("definition", "more"),
    [("a pet", {}), ("an animal", {}), ("a pet", {"seen": 99, "word": "dog"})],
    ids=["another", "the same", "with other fields"],
)
def test_put_changes_a_word_and_leaves_its_other_fields(app, learner, definition, more):
    answer = app.ask("/cat", "PUT", json={"definition": definition, **more}).expect(
        200,
        json={"word": "cat", "definition": definition},
        cause="The word was there: upserted_id is None, whether or not something changed.",
    )
    found = [document.get("seen") for document in stored(learner, "cat")]
    if found != [7]:
        cause = (
            "$set the definition, and no other field of the body; replace_one takes fields away."
        )
        answer.wrong('the field "seen" as it was', str(found), cause)


@pytest.mark.task(2)
def test_the_same_put_twice_is_as_good_as_once(app, learner):
    app.ask("/snorkle", "PUT", json={"definition": "a tree"}).expect(201)
    once = stored(learner, "snorkle")
    answer = app.ask("/snorkle", "PUT", json={"definition": "a tree"}).expect(
        200, json={"word": "snorkle", "definition": "a tree"}, cause="Now the word is there."
    )
    expect_stored(answer, learner, "snorkle", once, "The second PUT has changed something.")


@pytest.mark.task(2)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"definition=x",
        b"{",
        b"[]",
        b"null",
        b'"definition"',
        b"{}",
        b'{"definition": ""}',
        b'{"definition": " \\n"}',
        b'{"definition": 42}',
        b'{"definition": null}',
        b'{"definition": {"$gt": ""}}',
        b'{"definition": ["x"]}',
        b'{"definition": "\xff"}',
    ],
)
def test_put_refuses_a_body_without_a_definition(app, learner, body):
    answer = app.ask("/cat", "PUT", body=body).expect(
        400,
        cause="Check what json.loads returns before the database sees it: a dict, a text, "
        "something left after strip().",
    )
    expect_stored(answer, learner, "cat", [CAT], "A request that is refused changes nothing.")


@pytest.mark.task(2)
def test_of_two_that_put_a_new_word_at_once_one_makes_it(learner):
    app = learner.serve("together", clients=2)
    texts = ["first", "second"]
    answers = app.together(
        [("/snorkle", {"method": "PUT", "json": {"definition": text}}) for text in texts]
    )
    if sorted(answer.status for answer in answers) != [200, 201]:
        got = " and ".join(sorted(str(answer.status) for answer in answers))
        failed = next((answer for answer in answers if answer.status >= 400), answers[0])
        failed.wrong("201 for one of two at once, 200 for the other", got, ONE_OPERATION)


@pytest.mark.task(3)
def test_the_history_has_every_definition_in_order(app):
    for text in ("a tree", "a tree", "a tube"):
        app.ask("/snorkle", form={"definition": text}).expect(
            json={"word": "snorkle", "definition": text}
        )
    app.ask("/snorkle/history").expect(
        200,
        json={"word": "snorkle", "history": ["a tree", "a tree", "a tube"]},
        cause='"$push": {"history": definition} appends, beside the $set, in one update_one.',
    )


@pytest.mark.task(3)
def test_post_answers_as_before(app):
    cause = "With a history, too, POST answers 201 for a new word, 200 for one that was there."
    app.ask("/snorkle", form={"definition": "a tree"}).expect(201, cause=cause)
    app.ask("/cat", form={"definition": "a pet"}).expect(200, cause=cause)
    app.ask("/cat", form={"definition": ""}).expect(
        400, cause="A POST with a blank definition is refused, as before."
    )
    app.ask("/cat/history").expect(
        json={"word": "cat", "history": ["a pet"]},
        cause="A history has what was posted for this word, and nothing that was refused.",
    )


@pytest.mark.task(3)
def test_a_word_that_is_not_there_has_no_history(app):
    app.ask("/snorkle/history").expect(404, cause="find_one gives None: raise HTTPError(404).")


@pytest.mark.task(3)
def test_a_word_that_was_removed_has_no_history(app, learner):
    app.ask("/cat", form={"definition": "a pet"}).expect(200)
    learner.call("remove", word="cat")
    cause = "Keep the history in the word's own document: then it goes with the word."
    app.ask("/cat/history").expect(404, cause=cause)


@pytest.mark.task(3)
def test_a_word_that_nobody_posted_has_an_empty_history(app):
    app.ask("/cat/history").expect(
        200,
        json={"word": "cat", "history": []},
        cause='Its document has no "history" yet: document.get("history", []).',
    )


@pytest.mark.task(3)
@pytest.mark.parametrize("attempt", [1, 2])
def test_of_four_that_post_at_once_none_is_lost(learner, attempt):
    app = learner.serve("together", clients=4)
    texts = [f"definition {n}" for n in range(4)]
    answers = app.together([("/snorkle", {"form": {"definition": text}}) for text in texts])
    for answer in answers:
        if answer.status not in (200, 201):
            answer.expect(200, cause=ONE_OPERATION)
    history = app.ask("/snorkle/history").expect(200, cause="The word is there.")
    found = history.json().get("history", [])
    if sorted(found) != texts:
        history.wrong(f"in any order: {texts}", str(found), ONE_OPERATION)
    app.ask("/snorkle").expect(
        200,
        json={"word": "snorkle", "definition": found[-1]},
        cause="The $set and the $push must be one update, else another client comes between.",
    )
