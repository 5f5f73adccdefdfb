"""The checks of chapter 4's exercise."""

import json

import pytest

from course.harness import Wrong


def call(learner, replay, stage, cause="", **given):
    """The result of a stage, which calls the learner's function as `replay` says; `cause` of an exception in it."""
    try:
        return learner.call(stage, **given)
    except Wrong as wrong:
        wrong.failure.replay = replay
        wrong.failure.cause = wrong.failure.cause or cause
        raise Wrong(wrong.failure) from None


def expect(learner, replay, expected, got, cause):
    """Fail the check unless what came out is what was expected."""
    if got != expected:
        learner.wrong(repr(expected), repr(got), cause, replay.partition("(")[0], replay)


@pytest.mark.task(1)
@pytest.mark.parametrize(("amount", "quantity"), [(5, 8), (1, 4), (-3, 0)])
def test_restock_adds_and_returns_the_new_quantity(learner, amount, quantity):
    replay = f'restock(widgets, "flibnip", {amount})      # there are 3'
    found = call(learner, replay, "restock", name="flibnip", amount=amount)
    expect(
        learner,
        replay,
        quantity,
        found["result"],
        "Return the quantity, not the document, and the one after the change "
        "(return_document=ReturnDocument.AFTER); 0 is a quantity too.",
    )
    expect(
        learner,
        replay + "; the quantity in the collection",
        quantity,
        found["quantity"],
        '{"$inc": {"quantity": amount}} adds in the database; a changed dict stays in the dict.',
    )
    expect(
        learner,
        replay + "; all other fields and documents are as before",
        True,
        found["others are as before"],
        'Search by {"name": name}, and let the change name one field only.',
    )


@pytest.mark.task(1)
@pytest.mark.parametrize("name", ["sprocket", "flib", "Flibnip"])
def test_restock_of_a_name_that_is_not_there_makes_nothing(learner, name):
    replay = f'restock(widgets, "{name}", 5)      # there is none'
    cause = (
        'Search by the whole name, {"name": name}: find_one_and_update gives None where nothing matches, '
        "and makes nothing unless upsert=True."
    )
    found = call(learner, replay, "restock", cause, name=name, amount=5)
    expect(learner, replay, None, found["result"], cause)
    expect(learner, replay + "; the quantity in the collection", None, found["quantity"], cause)


@pytest.mark.task(1)
def test_of_four_restocks_at_once_none_is_lost(learner):
    replay = 'restock(widgets, "flibnip", 1)      # in four threads at once; there are 3'
    found = call(learner, replay, "restock_at_once", times=4)
    expect(
        learner,
        replay + "; the quantity in the collection",
        7,
        found["quantity"],
        "Between a find and the write that follows, others write too: one operation, with $inc.",
    )
    expect(
        learner,
        replay + "; what the four calls returned",
        [4, 5, 6, 7],
        sorted(found["results"], key=str),
        "A second operation that reads the quantity sees what others have made of it by then.",
    )
    if len(found["operations"]) != 4:
        learner.wrong(
            "4 operations of the database, one for each call",
            ", ".join(found["operations"]),
            "find_one_and_update finds, adds and returns in one; a lock stops your own process only.",
            "restock",
            replay,
        )


@pytest.mark.task(2)
@pytest.mark.parametrize(
    ("below", "count", "names"),
    [
        (5, 10, ["bodkin", "clobbasker", "flibnip", "aglet", "smorkeg"]),
        (4, 10, ["bodkin", "clobbasker", "flibnip"]),
        (5, 4, ["bodkin", "clobbasker", "flibnip", "aglet"]),
        (100, 1, ["bodkin"]),
        (0, 10, []),
    ],
)
def test_low_stock_gives_the_lowest_first_and_no_more_than_asked(learner, below, count, names):
    replay = f"low_stock(widgets, below={below}, count={count})"
    found = call(learner, replay, "low_stock", below=below, count=count)
    expect(
        learner,
        replay,
        "list",
        found["type"],
        "find returns a cursor: iterate it, and collect the names in a list, which is [] where there are none.",
    )
    cause = 'Collect the names: document["name"] of each document.'
    if not all(isinstance(name, str) for name in found["names"]):
        expect(learner, replay, names, found["names"], cause)
    expect(
        learner,
        replay,
        names,
        found["names"],
        'find({"quantity": {"$lt": below}}), then .sort([("quantity", 1), ("name", 1)]), '
        "then .limit(count).",
    )


@pytest.mark.task(3)
def test_dump_gives_json_with_all_documents(learner):
    replay = "dump(widgets)      # four documents"
    found = call(learner, replay, "dump")
    expect(learner, replay, "str", found["type"], "json_util.dumps returns a text.")
    try:
        value = json.loads(found["text"])
    except ValueError as error:
        cause = "json_util.dumps, of all documents at once, gives one JSON text."
        learner.wrong("JSON", str(error), cause, "dump", replay)
    parts = ["4eada3a4136fc4aa41000001", "flibnip", "smorkeg", "since", "maker", "clobbasker"]
    expect(
        learner,
        replay + "; what is in it of an _id, names and fields",
        parts,
        [part for part in parts if part in str(value)],
        "widgets.find(), without a filter or a projection, finds all documents with all fields, _id too.",
    )


def expect_no_difference(learner, replay, cause, **given):
    """Fail the check unless the copy has what it should have; the first difference is shown."""
    found = call(learner, replay, "round_trip", cause, **given)
    for difference in found["differences"]:
        if difference.endswith("became None") and "changed" not in given:
            cause = (
                "Each document comes in with its own _id: "
                'replace_one({"_id": document["_id"]}, document, upsert=True).'
            )
        learner.wrong("no difference", difference, cause, "restore", replay)
    return found


@pytest.mark.task(3)
def test_what_was_dumped_and_restored_is_what_it_was(learner):
    expect_no_difference(
        learner,
        "restore(copy, dump(widgets))",
        "json_util.loads makes ObjectId and datetime of what json_util.dumps wrote; json leaves dicts or texts.",
    )
    expect_no_difference(
        learner,
        "restore(copy, dump(widgets))      # there are no documents",
        "insert_many and bulk_write refuse an empty list; a loop over it does nothing.",
        empty=True,
    )


@pytest.mark.task(3)
def test_to_restore_twice_is_the_same_as_once(learner):
    replay = "restore(copy, text); restore(copy, text)"
    cause = 'replace_one({"_id": document["_id"]}, document, upsert=True) replaces or inserts.'
    found = expect_no_difference(learner, replay, cause, times=2)
    expect(learner, replay + "; how many documents", found["wanted"], found["count"], cause)


@pytest.mark.task(3)
def test_restore_replaces_what_has_the_same_id_and_nothing_else(learner):
    expect_no_difference(
        learner,
        "restore(copy, text)      # one _id is there already, with other fields",
        "replace_one changes the whole document with that _id, and leaves the others alone.",
        changed=True,
    )
