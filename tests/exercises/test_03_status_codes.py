"""The checks of chapter 3's exercise."""

import http
import json

import pytest

from course.harness import Failure, Wrong

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
WRITE_ERROR = (
    "Without a write_error(status_code, **kwargs) of your own, Tornado sends its errors as HTML."
)


def expect_json_error(answer, status, cause, html=WRITE_ERROR):
    """Fail unless the answer is the error of this status as the task describes it.

    `cause` explains another status, `html` a body that is Tornado's page.
    """
    answer.expect(status, cause=cause)
    phrase = http.HTTPStatus(status).phrase
    try:
        got = json.loads(answer.body)
    except ValueError:
        got = None
    kind = answer.headers.get("Content-Type", "no Content-Type")
    wanted = [{"status": status, "error": error} for error in (phrase, answer.reason)]
    if got in wanted and kind.lower().startswith("application/json"):
        return
    if got in wanted:
        why = "self.write() of a dict sets the Content-Type; a string, such as that of json.dumps(), is sent as HTML."
    elif isinstance(got, dict):
        why = "The two keys are status, the number that write_error() gets, and error, the standard phrase of that number."
    elif answer.text.startswith("<html>"):
        why = html
    else:
        why = "The body is not JSON: pass a dict to self.write(), and Tornado writes it as JSON."
    shown = f"{status} {answer.text.rstrip()[:200]}    ({kind})"
    answer.wrong(f"{status} {json.dumps(wanted[0])}    (application/json)", shown, why)


def put(app, name, body, status=201):
    """Store a note; the check fails if that does."""
    cause = "No note had this name: self.set_status(201)."
    if status == 204:
        cause = "A note of this name existed: self.set_status(204)."
    return app.ask(f"/notes/{name}", "PUT", body=body).expect(status, cause=cause)


def expect_note(app, name, text, cause):
    """Fail unless GET returns this text; `cause` explains another text."""
    answer = app.ask(f"/notes/{name}")
    answer.expect(200, cause=f"The note {name} exists: PUT stored it in self.notes before.")
    return answer.expect(200, text=text, cause=cause)


@pytest.mark.task(1)
@pytest.mark.parametrize("path", ["/notes", "/notes/bread", "/broken"])
def test_a_method_that_is_missing_is_a_json_error(app, path):
    app.ask("/notes/bread", "PUT", body="")  # for a prepare() that looks for the note first
    cause = "A method that the handler does not define is a 405."
    expect_json_error(app.ask(path, "PATCH"), 405, cause)
    app.ask("/notes/bread", "DELETE")


@pytest.mark.task(1)
def test_an_exception_is_a_json_error_too(app):
    cause = "GET /broken always fails, with a 500."
    expect_json_error(app.ask("/broken"), 500, cause)


@pytest.mark.task(1)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_a_path_without_a_route_is_a_json_error(app, method):
    cause = "A path that no route matches is a 404 for every method: raise it in prepare(), which runs before each."
    html = (
        "A path without a route is handled by a handler of Tornado's, unless "
        "default_handler_class names yours, with your write_error()."
    )
    expect_json_error(app.ask("/nothing/here", method), 404, cause, html)


@pytest.mark.task(2)
def test_a_new_note_is_created_and_can_be_read(app):
    put(app, "milk", "two litres")
    expect_note(app, "milk", "two litres", "GET returns the text that PUT stored.")
    cause = "GET /notes returns the names in self.notes: store the text there."
    app.ask("/notes").expect(200).expect(200, json={"notes": ["milk"]}, cause=cause)


@pytest.mark.task(2)
def test_a_note_is_plain_text_whatever_is_in_it(app):
    put(app, "x", "<script>alert(1)</script>")
    cause = "GET returns the text as it was stored: plain text needs no escaping."
    answer = expect_note(app, "x", "<script>alert(1)</script>", cause)
    kind = answer.headers.get("Content-Type") or "no Content-Type"
    if not kind.lower().startswith("text/plain"):
        answer.wrong(
            "Content-Type: text/plain",
            f"Content-Type: {kind}",
            'Without set_header("Content-Type", "text/plain; charset=utf-8") Tornado sends HTML, '
            "and a browser runs a script in it.",
        )


@pytest.mark.task(2)
def test_a_note_that_exists_is_replaced(app):
    put(app, "tea", "two bags")
    put(app, "tea", "", 204).expect(204, text="", cause="A 204 has no body.")
    answer = app.ask("/notes/tea")
    cause = "The note exists: an empty string is a note too. Look for the name, not for its text."
    answer.expect(200, cause=cause)
    cause = "The new text replaces the old one, even if the new text is empty."
    answer.expect(200, text="", cause=cause)


@pytest.mark.task(2)
def test_a_note_is_deleted_once(app):
    put(app, "plum", "")
    put(app, "Plum", "ten")
    cause = "The note exists, though its text is empty: DELETE removes it and returns 204."
    app.ask("/notes/plum", "DELETE").expect(204, cause=cause).expect(
        204, text="", cause="A 204 has no body."
    )
    app.ask("/notes/plum").expect(
        404, cause="DELETE removed this note: raise tornado.web.HTTPError(404)."
    )
    answer = app.ask("/notes/Plum")
    answer.expect(200, cause="DELETE /notes/plum removes the note of that very name, and no other.")
    answer.expect(200, text="ten", cause="DELETE /notes/plum does not change another note.")
    cause = "No note has this name after the first DELETE: the second DELETE is a 404."
    app.ask("/notes/plum", "DELETE").expect(404, cause=cause)
    cause = "After DELETE no note has this name, so a PUT creates it again: forget deleted names."
    app.ask("/notes/plum", "PUT", body="").expect(201, cause=cause)


@pytest.mark.task(2)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_name_that_no_note_has_is_not_found(app, method):
    cause = "No note has this name: raise tornado.web.HTTPError(404)."
    answer = app.ask("/notes/eggs", method).expect(404, cause=cause)
    if not answer.body:
        cause = "raise tornado.web.HTTPError(404): set_status() alone does not call write_error()."
        answer.wrong('404 {"status": 404, "error": "Not Found"}', "404, and no body", cause)
    expect_json_error(answer, 404, cause)


@pytest.mark.task(2)
def test_a_name_and_a_text_may_have_any_characters(app):
    put(app, "鸡蛋", "十个")
    expect_note(app, "鸡蛋", "十个", "self.request.body.decode() reads the bytes as UTF-8.")
    put(app, "a%20list", " eggs \n\n milk \n")
    answer = app.ask("/notes/a%20list").expect(200)
    if answer.body != b" eggs \n\n milk \n":
        cause = "GET returns the text as it was stored, with its spaces and line ends."
        answer.wrong(repr(" eggs \n\n milk \n"), repr(answer.text), cause)


@pytest.mark.task(2)
def test_a_body_that_is_not_utf8_is_refused(app):
    cause = "These bytes are not UTF-8: decode() raises UnicodeDecodeError. Catch it, and raise tornado.web.HTTPError(400)."
    answer = app.ask("/notes/cheese", "PUT", body=b"\xff\xfe")
    expect_json_error(answer, 400, cause)
    app.ask("/notes/cheese").expect(404, cause="A PUT that is refused does not store anything.")
    put(app, "cheese", "brie")
    app.ask("/notes/cheese", "PUT", body=b"\xff\xfe").expect(400, cause=cause)
    cause = "A PUT that is refused leaves the old note as it was: decode the body first."
    app.ask("/notes/cheese").expect(200, cause=cause).expect(200, text="brie", cause=cause)


@pytest.mark.task(2)
@pytest.mark.parametrize(("method", "body"), [("GET", None), ("DELETE", None), ("PUT", b"\xff")])
def test_nothing_happens_after_an_error_was_sent(app, learner, method, body):
    learner.order("news")  # what earlier requests logged does not count
    answer = app.ask("/notes/eggs", method, body=body).expect(400 if body else 404)
    for error in learner.order("news")["errors"]:
        raise Wrong(
            Failure(
                "error",
                f"a {answer.status}, and then nothing more",
                f"{answer.status} {answer.reason}, and then {error['type']}: {error['text']}",
                "The response was already sent when this line ran. A method goes on after "
                "send_error() or finish(): return there.",
                answer.request.curl(),
                error["lines"],
            )
        )


@pytest.fixture
def allowed(app):
    """`allowed(path, method, status)` is the set of methods in the header Allow of the answer to this request."""

    def ask(path, method, status):
        cause = "A method that the handler does not define is a 405."
        missing = "Set Allow in write_error(): Tornado discards the headers that were set before an error."
        if method == "OPTIONS":
            cause = "OPTIONS returns 204: self.set_status(204) in options()."
            missing = 'self.set_header("Allow", ...) belongs into options() too.'
        else:
            app.ask("/notes/milk", "PUT", body="")  # for a prepare() that looks for the note first
        answer = app.ask(path, method).expect(status, cause=cause)
        allow = answer.headers.get("Allow")
        if allow is None:
            answer.wrong("a header Allow", "no header Allow", missing)
        names = {name.strip() for name in allow.split(",")} - {""}
        if not names <= set(METHODS):
            cause = 'Allow lists methods in capital letters, with commas between them: ", ".join(methods).'
            answer.wrong("a list such as Allow: GET, OPTIONS", f"Allow: {allow}", cause)
        return names

    return ask


@pytest.mark.task(3)
@pytest.mark.parametrize("path", ["/notes", "/notes/milk", "/broken"])
def test_allow_names_the_methods_of_the_path_and_no_others(app, allowed, path):
    got = allowed(path, "PATCH", 405)
    for method in METHODS:
        answer = app.ask(path, method)
        answer.status_is_right = True  # with another Allow, that is
        if (answer.status == 405) == (method in got):
            answer.wrong(
                f"{path} has the methods that Allow names, and returns 405 for all others",
                f"Allow: {', '.join(sorted(got))}; {method} returns {answer.status}",
                "Every handler has its own Allow: the methods that this handler defines, options() included.",
            )


@pytest.mark.task(3)
@pytest.mark.parametrize("path", ["/notes", "/notes/milk", "/broken"])
def test_options_sends_the_same_allow(learner, allowed, path):
    asked, refused = allowed(path, "OPTIONS", 204), allowed(path, "PATCH", 405)
    if refused != asked:
        learner.wrong(
            f"OPTIONS {path} names the same methods as a 405",
            f"{', '.join(sorted(asked))}; a 405 names {', '.join(sorted(refused))}",
            "Compute the list in one method, and call it in both places.",
            at="BaseHandler.options",
        )


@pytest.mark.task(3)
def test_a_method_that_tornado_does_not_know_has_allow_too(learner, allowed):
    got = allowed("/notes", "BREW", 405)
    if "GET" not in got:
        learner.wrong(
            "a 405 whose Allow names GET, for the method BREW too",
            f"Allow: {', '.join(sorted(got))}",
            "Allow depends on the handler, not on the method that the client sent.",
            at="BaseHandler.write_error",
        )
