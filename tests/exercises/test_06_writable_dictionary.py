"""The checks of chapter 6's exercise."""

import pytest

CAT = {"word": "cat", "definition": "an animal"}
ONE_OPERATION = (
    "Another client changed the word between two operations of your handler, which no lock in this process "
    "prevents. Make the change in one operation: its result tells what happened."
)


@pytest.fixture
def app(learner):
    """The learner's application."""
    served = learner.serve("dictionary")
    served.reproducible = True  # make run-6 serves the same words
    return served


def expect_stored(answer, learner, word, documents, cause):
    found = learner.call("look", word=word)
    if found != documents:
        answer.wrong(f"in the collection {documents}", f"in the collection {found}", cause)


@pytest.mark.task(1)
def test_a_word_that_is_deleted_is_gone(app, learner):
    answer = app.ask("/cat", "DELETE").expect(
        204, cause="After delete_one: set_status(204), without write()."
    )
    expect_stored(
        answer, learner, "cat", [], "The DELETE has not removed the document of the word."
    )
    app.ask("/cat").expect(404, cause="GET still finds the word after the DELETE.")


@pytest.mark.task(1)
def test_an_unknown_word_cannot_be_deleted(app, learner):
    answer = app.ask("/snorkle", "DELETE").expect(
        404,
        cause="The result of delete_one has a deleted_count, which is 0 for a word that is not there.",
    )
    expect_stored(answer, learner, "cat", [CAT], "The DELETE has removed another word.")


@pytest.mark.task(1)
@pytest.mark.parametrize("before", [2, 3])
def test_of_two_clients_that_delete_a_word_one_gets_404(learner, before):
    app = learner.serve("with_another_client", word="cat", method="delete", before=before)
    answer = app.ask("/cat", "DELETE")
    if learner.call("others_result"):
        answer.expect(404, cause=ONE_OPERATION)
    else:
        answer.expect(204, cause="After delete_one: set_status(204), without write().")


@pytest.mark.task(2)
@pytest.mark.parametrize("word", ["snorkle", "中文字"])
def test_put_creates_a_word(app, learner, word):
    answer = app.ask(f"/{word}", "PUT", json={"definition": "a tree"}).expect(
        201,
        json={"word": word, "definition": "a tree"},
        cause="update_one(..., upsert=True) creates the word, and its result then has an upserted_id.",
    )
    found = [document.get("definition") for document in learner.call("look", word=word)]
    if found != ["a tree"]:
        answer.wrong(
            "one document with the definition", str(found), "The PUT has not stored the definition."
        )


@pytest.mark.task(2)
@pytest.mark.parametrize(
    ("definition", "more"),
    [("a pet", {}), ("a plant", {}), ("a pet", {"seen": 99, "word": "dog"})],
    ids=["another", "the same", "with other fields"],
)
def test_put_changes_a_word_and_leaves_its_other_fields(app, learner, definition, more):
    answer = app.ask("/tree", "PUT", json={"definition": definition, **more}).expect(
        200,
        json={"word": "tree", "definition": definition},
        cause="The word existed: upserted_id is None then, whether or not the definition is another one.",
    )
    found = [document.get("seen") for document in learner.call("look", word="tree")]
    if found != [7]:
        cause = "$set only the definition, and no other field of the body. replace_one removes the other fields."
        answer.wrong('the field "seen" as it was', str(found), cause)


@pytest.mark.task(2)
def test_the_same_put_again_changes_nothing(app, learner):
    app.ask("/snorkle", "PUT", json={"definition": "a tree"}).expect(201)
    once = learner.call("look", word="snorkle")
    answer = app.ask("/snorkle", "PUT", json={"definition": "a tree"}).expect(
        200,
        json={"word": "snorkle", "definition": "a tree"},
        cause="The first PUT has created the word.",
    )
    expect_stored(answer, learner, "snorkle", once, "The second PUT has changed the document.")


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
        cause="Check what json.loads returns before you call the database: a dict, in it a string, "
        "and a string that is not empty after strip().",
    )
    expect_stored(
        answer, learner, "cat", [CAT], "A request with status 400 must not change the word."
    )


@pytest.mark.task(2)
@pytest.mark.parametrize("before", [2, 3])
def test_of_two_clients_that_put_a_new_word_one_creates_it(learner, before):
    app = learner.serve("with_another_client", word="snorkle", method="put", before=before)
    answer = app.ask("/snorkle", "PUT", json={"definition": "a tree"})
    if learner.call("others_result"):
        answer.expect(200, cause=ONE_OPERATION)
    else:
        answer.expect(201, cause="The PUT has created the word: its result has an upserted_id.")


@pytest.mark.task(3)
def test_the_history_has_every_definition_in_order(app):
    for text in ("a tree", "a tree", "a tube"):
        app.ask("/snorkle", form={"definition": text}).expect(
            json={"word": "snorkle", "definition": text}
        )
    app.ask("/snorkle/history").expect(
        200,
        json={"word": "snorkle", "history": ["a tree", "a tree", "a tube"]},
        cause='"$push": {"history": definition} appends to a list, in the same update_one as the $set.',
    )


@pytest.mark.task(3)
def test_post_responds_as_before(app):
    cause = "POST still responds with 201 for a new word and 200 for a word that existed."
    app.ask("/snorkle", form={"definition": "a tree"}).expect(201, cause=cause)
    app.ask("/cat", form={"definition": "a pet"}).expect(200, cause=cause)
    app.ask("/cat", form={"definition": ""}).expect(
        400, cause="A POST with an empty definition is still 400."
    )
    app.ask("/cat/history").expect(
        json={"word": "cat", "history": ["a pet"]},
        cause="The history of a word has the definitions that were posted for it, without those that were refused.",
    )


@pytest.mark.task(3)
def test_an_unknown_word_has_no_history(app):
    app.ask("/snorkle/history").expect(404, cause="If find_one returns None, respond with 404.")


@pytest.mark.task(3)
def test_a_word_that_was_removed_has_no_history(app, learner):
    app.ask("/cat", form={"definition": "a pet"}).expect(200)
    learner.call("remove", word="cat")
    cause = "Keep the history in the document of the word, so that it is removed with the word."
    app.ask("/cat/history").expect(404, cause=cause)


@pytest.mark.task(3)
def test_a_word_that_was_never_posted_has_an_empty_history(app):
    app.ask("/cat/history").expect(
        200,
        json={"word": "cat", "history": []},
        cause='Its document has no field "history" yet: document.get("history", []).',
    )


@pytest.mark.task(3)
@pytest.mark.parametrize("before", [2, 3])
@pytest.mark.parametrize("word", ["cat", "snorkle"])
def test_of_two_clients_that_post_neither_is_lost(learner, word, before):
    app = learner.serve("with_another_client", word=word, method="post", before=before)
    answer = app.ask(f"/{word}", form={"definition": "mine"})
    other = learner.call("others_result")
    if word == "cat" or other:
        answer.expect(200, cause=ONE_OPERATION if other is not None else "The word existed.")
    else:
        answer.expect(201, cause="The POST has created the word.")
    posted = ["mine"] if other is None else ["mine", "of another client"]
    history = app.ask(f"/{word}/history").expect(200, cause="The word exists.")
    found = history.json().get("history", [])
    if sorted(found) != posted:
        history.wrong(f"in any order: {posted}", str(found), ONE_OPERATION)
    app.ask(f"/{word}").expect(
        200,
        json={"word": word, "definition": found[-1]},
        cause="Between the $set and the $push another client has posted: make them in one update_one.",
    )


@pytest.mark.task(3)
def test_of_four_requests_at_the_same_time_none_is_lost(app):
    texts = [f"definition {n}" for n in range(4)]
    answers = app.together([("/snorkle", {"form": {"definition": text}}) for text in texts])
    for answer in answers:
        if answer.status not in (200, 201):
            answer.expect(200, cause="Each of the four requests must succeed.")
    history = app.ask("/snorkle/history").expect(200, cause="The word exists.")
    found = history.json().get("history", [])
    if sorted(found) != texts:
        cause = "The operations of several requests run between each other. Make each change in one operation."
        history.wrong(f"in any order: {texts}", str(found), cause)
