"""The checks of chapter 4's exercise."""

import json
import re

import pytest

from course.harness import Wrong

# What an exception means: its type and text, then the cause.
MEANS = [
    (
        r"AttributeError: 'Cursor' object has no attribute 'to_list'",
        "mongomock has no to_list(): list(cursor) does the same, and works on a server too.",
    ),
    (
        r"TypeError: BulkOperationBuilder\.",
        "mongomock has no bulk_write() for this PyMongo: write one document after the other, "
        "which works on a server too.",
    ),
    (
        r"ValueError: too many values to unpack",
        'mongomock takes no sort(["quantity", "name"]), though a server does: '
        'write sort([("quantity", 1), ("name", 1)]).',
    ),
    (
        r"NotImplementedError: ",
        "mongomock does not have this, though a server may: the task can be done without it.",
    ),
    (
        r"TypeError: 'NoneType' object is not subscriptable",
        "The method returned None, because no document matches.",
    ),
    (
        r"DuplicateKeyError: ",
        "A document with this _id already exists: replace_one(..., upsert=True) replaces or inserts.",
    ),
    (
        r"documents must be a non-empty list|Bulk operation empty|No operations to execute",
        "insert_many and bulk_write refuse an empty list; a loop over it does nothing.",
    ),
]


def call(learner, replay, stage, **given):
    """The result of a stage, which calls the learner's function as `replay` says."""
    try:
        return learner.call(stage, **given)
    except Wrong as wrong:
        failure = wrong.failure
        failure.replay = replay
        for pattern, cause in MEANS:
            if failure.kind == "error" and re.search(pattern, failure.got):
                failure.cause = cause
                break
        raise Wrong(failure) from None


def expect(learner, replay, expected, got, cause):
    """Fail the check unless what came out is what was expected."""
    if got != expected:
        learner.wrong(repr(expected), repr(got), cause, replay.partition("(")[0], replay)


def cause_of_result(got, amount):
    """Why restock() returned something else than the new quantity of the flibnip, of which there are 3."""
    if str(got).startswith("{"):
        return "Return the quantity, not the document."
    if got == 3:
        return "This is the quantity before the change: pass return_document=ReturnDocument.AFTER."
    if got is None and amount == -3:
        return "0 is a quantity too: compare the document with None, not the quantity."
    if got is None:
        return "The widget exists: return its new quantity."
    return "Return the quantity that the widget has after the change."


@pytest.mark.task(1)
@pytest.mark.parametrize(("amount", "quantity"), [(5, 8), (1, 4), (-3, 0)])
def test_restock_adds_and_returns_the_new_quantity(learner, amount, quantity):
    replay = f'restock(widgets, "flibnip", {amount})      # there are 3'
    found = call(learner, replay, "restock", name="flibnip", amount=amount)
    expect(learner, replay, quantity, found["result"], cause_of_result(found["result"], amount))
    cause = '{"$inc": {"quantity": amount}} adds to the quantity in the database.'
    if found["quantity"] == 3:
        cause = "Changing the dict does not change the document in the database: $inc does."
    expect(learner, replay + "; the quantity in the collection", quantity, found["quantity"], cause)
    for change in found["changes"]:
        learner.wrong(
            "no other field and no other document changes",
            change,
            'Filter by {"name": name}, and change the quantity only.',
            "restock",
            replay,
        )


@pytest.mark.task(1)
@pytest.mark.parametrize("name", ["sprocket", "flib", "Flibnip"])
def test_restock_of_a_name_that_no_widget_has_changes_nothing(learner, name):
    replay = f'restock(widgets, "{name}", 5)      # no widget has this name'
    found = call(learner, replay, "restock", name=name, amount=5)
    if found["quantity"] is not None:
        cause = "The call created a widget, but upsert=True does not belong here."
        expect(
            learner, replay, "no widget of this name", f"its quantity is {found['quantity']}", cause
        )
    cause = 'The whole name must match: filter by {"name": name}.'
    for change in found["changes"]:
        learner.wrong("no document changes", change, cause, "restock", replay)
    expect(learner, replay, None, found["result"], "No widget has this name: return None.")


@pytest.mark.task(1)
def test_restock_is_one_operation_of_the_database(learner):
    replay = 'restock(widgets, "flibnip", 1)      # there are 3; another client adds 10 meanwhile'
    found = call(learner, replay, "restock_beside_another_client")
    operations = found["operations"]
    done = f"{' and '.join(operations)}: "
    if len(operations) == 1:
        expect(
            learner,
            replay,
            [4, 4],
            [found["result"], found["quantity"]],
            cause_of_result(found["result"], 1),
        )
        return
    expected, got = (
        "one operation of the database",
        f"{len(operations)} operations, {', '.join(operations)}",
    )
    cause = "find_one_and_update() finds, changes and returns in one operation."
    if found["quantity"] != 14:
        expected = "14 in the collection: 3 and 1 and 10"
        got = f"{done}{found['quantity']} in the collection"
        cause = "Between the find and the write, another client wrote. Only one operation, with $inc, loses nothing."
    elif found["result"] != found["quantities"][0] and found["quantities"][0] == 4:
        expected = "4, the quantity that this call made"
        got = f"{done}{found['result']}"
        cause = (
            "A second operation reads what another client wrote by then. A lock does not help: "
            "it stops only your own process."
        )
    learner.wrong(expected, got, cause, "restock", replay)


def cause_of_names(got, names, below, count):
    """Why these are not the right names."""
    if not all(isinstance(name, str) for name in got):
        return 'Collect the names: document["name"] of each document.'
    if len(got) > count:
        return "The list has at most count names: .limit(count)."
    if len(got) != len(names):
        return (
            f'The list has the widgets whose quantity is less than {below}: {{"quantity": '
            '{"$lt": below}}.'
        )
    return (
        'Sort by quantity and then by name, .sort([("quantity", 1), ("name", 1)]), '
        "and limit the sorted list."
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
def test_low_stock_returns_the_lowest_first_and_at_most_count(learner, below, count, names):
    replay = f"low_stock(widgets, below={below}, count={count})"
    found = call(learner, replay, "low_stock", below=below, count=count)
    cause = "Return a list, which is [] if no widget is low."
    if found["type"] == "Cursor":
        cause = "find() returns a cursor: iterate it, and collect the names in a list."
    expect(learner, replay, "list", found["type"], cause)
    expect(
        learner, replay, names, found["names"], cause_of_names(found["names"], names, below, count)
    )


@pytest.mark.task(3)
def test_dump_returns_json_with_all_documents(learner):
    replay = "dump(widgets)      # four documents"
    found = call(learner, replay, "dump")
    expect(
        learner, replay, "str", found["type"], "json_util.dumps() returns a string: return that."
    )
    try:
        value = json.loads(found["text"])
    except ValueError as error:
        cause = "One call of json_util.dumps(), with all documents, writes one JSON value."
        learner.wrong("one JSON value", str(error), cause, "dump", replay)
    parts = ["4eada3a4136fc4aa41000001", "flibnip", "smorkeg", "since", "maker", "clobbasker"]
    expect(
        learner,
        replay + "; an _id, names and fields that are in it",
        parts,
        [part for part in parts if part in str(value)],
        "widgets.find(), without a filter or a projection, returns all documents with all fields, also _id.",
    )


def cause_of_difference(wanted, got):
    """Why a restored document is not what it should be. Each is as Python writes it, or None."""
    if got is None and "'another'" in wanted:
        return "restore() does not delete or change documents that are not in the text."
    if got is None:
        return (
            "The document is missing: replace_one() inserts a document that does not exist only "
            "with upsert=True, and each document keeps its own _id."
        )
    if wanted is None:
        return (
            "The collection had no such document before: each restored document keeps its own _id."
        )
    if "'old'" in got:
        return "An old field is left: replace_one() replaces the whole document, $set does not."
    return "A value or its type changed: json_util.dumps() writes ObjectId and datetime so that json_util.loads() reads them."


def expect_no_difference(learner, replay, **given):
    """Fail the check unless the copy has what it should have; the first difference is shown."""
    found = call(learner, replay, "round_trip", **given)
    for wanted, got in found["differences"]:
        learner.wrong(
            wanted or "no such document",
            got or "no such document",
            cause_of_difference(wanted, got),
            "restore",
            replay,
        )
    return found


@pytest.mark.task(3)
def test_what_was_dumped_and_restored_is_what_it_was(learner):
    expect_no_difference(learner, "restore(copy, dump(widgets))")
    expect_no_difference(
        learner, "restore(copy, dump(widgets))      # widgets has no documents", empty=True
    )


@pytest.mark.task(3)
def test_restoring_twice_is_the_same_as_once(learner):
    replay = "restore(copy, text); restore(copy, text)"
    found = expect_no_difference(learner, replay, times=2)
    cause = "Each document is restored once, with its own _id."
    expect(learner, replay + "; how many documents", found["wanted"], found["count"], cause)


@pytest.mark.task(3)
def test_restore_replaces_the_document_with_the_same_id_and_no_other(learner):
    replay = "restore(copy, text)      # one _id already exists, with other fields"
    expect_no_difference(learner, replay, changed=True)
