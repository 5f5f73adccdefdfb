"""The checks of chapter 1's exercise."""

import pytest

from course.harness import Failure, Wrong

# Wrapped at 39, at 40 and at 41 it looks different each time.
TEXT = (
    "It is a truth well known that a server in want of a request must wait; "
    "one that has too many of them must not."
)
PLAIN = (
    'Without set_header("Content-Type", "text/plain; charset=utf-8") Tornado sends HTML, '
    "and a browser runs a script in it."
)


def expect_text(answer, text, cause):
    """Fail unless the answer is a 200 with this text; `cause` is about the text."""
    answer.expect(200)
    answer.expect(200, text=text, cause=cause)


def expect_plain_text(answer):
    """Fail unless a browser shows the answer as it is."""
    kind = answer.headers.get("Content-Type") or "no Content-Type"
    if not kind.lower().startswith("text/plain"):
        answer.wrong("Content-Type: text/plain", f"Content-Type: {kind}", PLAIN)
    if answer.headers.get_content_charset("utf-8").replace("-", "") != "utf8":
        cause = "Tornado sends strings as UTF-8. If the header says otherwise, a browser shows other letters for 中文."
        answer.wrong("Content-Type: text/plain; charset=utf-8", f"Content-Type: {kind}", cause)


def expect_unescaped(answer, text):
    """Fail unless the answer is this text, with its < and >, as plain text."""
    answer.expect(200)
    cause = "The text differs from what the task asks for."
    if "&lt;" in answer.text:
        cause = "Plain text needs no escaping: write the text as it came."
    answer.expect(200, text=text, cause=cause)
    expect_plain_text(answer)


@pytest.mark.task(1)
@pytest.mark.parametrize(
    ("word", "reversed_word"), [("stressed", "desserts"), ("e-Mail+C", "C+liaM-e")]
)
def test_a_word_comes_back_reversed(app, word, reversed_word):
    cause = "word[::-1] is the whole word backwards, with every letter as it was."
    expect_text(app.ask(f"/reverse/{word}"), reversed_word, cause)


@pytest.mark.task(1)
def test_a_chinese_word_comes_back_reversed(app):
    cause = "The word arrives as a string: reverse its characters, not the bytes of its encoding."
    expect_text(app.ask("/reverse/中文"), "文中", cause)


@pytest.mark.task(1)
def test_a_script_backwards_is_sent_as_plain_text(app):
    expect_unescaped(app.ask("/reverse/%3E1trela%3C"), "<alert1>")


@pytest.mark.task(2)
def test_a_text_is_wrapped_at_the_given_width(app):
    answer = app.ask("/wrap", form={"text": TEXT, "width": "20"})
    expect_text(
        answer,
        "It is a truth well\n"
        "known that a server\n"
        "in want of a request\n"
        "must wait; one that\n"
        "has too many of them\n"
        "must not.",
        'textwrap.fill(text, width=int(width)) wraps the text at the width of the field "width".',
    )
    expect_plain_text(answer)


@pytest.mark.task(2)
def test_a_word_that_is_too_long_is_cut(app):
    cause = "No line is longer than the width: textwrap.fill() cuts a word that does not fit."
    expect_text(
        app.ask("/wrap", form={"text": "extraordinary", "width": "5"}), "extra\nordin\nary", cause
    )


@pytest.mark.task(2)
def test_without_a_width_lines_are_40_wide(app):
    answer = app.ask("/wrap", form={"text": TEXT})
    expect_text(
        answer,
        "It is a truth well known that a server\n"
        "in want of a request must wait; one that\n"
        "has too many of them must not.",
        "Without the field, the width is 40, and no line is longer: "
        'get_body_argument("width", "40").',
    )


@pytest.mark.task(2)
def test_a_script_in_the_text_is_sent_as_plain_text(app):
    text = "<script>alert(1)</script>"
    expect_unescaped(app.ask("/wrap", form={"text": text}), text)


@pytest.mark.task(3)
@pytest.mark.parametrize("width", ["abc", "0", "-5", "1.5", "inf", "", "²"])
def test_a_width_that_is_not_a_positive_number_is_refused(app, learner, width):
    learner.order("news")  # what earlier requests logged does not count
    answer = app.ask("/wrap", form={"text": "one two", "width": width})
    cause = f"{width!r} is not a positive whole number: raise tornado.web.HTTPError(400)."
    answer.expect(400, cause=cause)
    for error in learner.order("news")["errors"]:
        raise Wrong(
            Failure(
                "error",
                "a 400, and then nothing more",
                f"400 {answer.reason}, and then {error['type']}: {error['text']}",
                "The response was already sent when this line ran. A method goes on after "
                "send_error() or finish(): return there.",
                answer.request.curl(),
                error["lines"],
            )
        )


@pytest.mark.task(3)
def test_a_script_in_the_width_is_not_sent_as_html(app):
    width = "<script>alert(1)</script>"
    answer = app.ask("/wrap", form={"text": "one two", "width": width}).expect(400)
    if width in answer.text and "html" in answer.headers.get("Content-Type", ""):
        answer.wrong("a 400 without the client's script in its HTML", cause=PLAIN)


@pytest.mark.task(3)
@pytest.mark.parametrize(
    ("width", "lines"), [("3", "one\ntwo"), ("1", "o\nn\ne\nt\nw\no"), ("200", "one two")]
)
def test_a_positive_width_is_still_accepted(app, width, lines):
    answer = app.ask("/wrap", form={"text": "one two", "width": width})
    answer.expect(200, cause=f"{width} is a positive whole number: do not refuse it.")
    expect_text(answer, lines, f"textwrap.fill() wraps the text at the width of {width}.")
