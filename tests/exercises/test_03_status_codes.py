"""The checks of chapter 3's exercise."""

import json

import pytest

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
WRITE_ERROR = (
    "Tornado calls write_error(status_code, **kwargs); what it does not find there is HTML."
)


def is_json_error(answer, status, cause):
    """Fail unless the answer is the error of this status as the task describes it."""
    answer.expect(status, cause=cause)
    wanted = {"status": status, "error": answer.reason}
    try:
        got = json.loads(answer.body)
    except ValueError:
        got = None
    if got != wanted:
        if isinstance(got, dict):
            cause = "The number is write_error's status_code, the text self._reason, of this very error."
        kind = answer.headers.get("Content-Type", "no Content-Type")
        shown = f"{status} {answer.text.rstrip()[:200]}    ({kind})"
        answer.wrong(f"{status} {json.dumps(wanted)}", shown, cause)


@pytest.mark.task(1)
def test_a_method_that_is_not_there_is_json(app):
    is_json_error(app.ask("/notes", "PATCH"), 405, WRITE_ERROR)


@pytest.mark.task(1)
def test_an_exception_is_json_too(app):
    is_json_error(app.ask("/broken"), 500, WRITE_ERROR)


@pytest.mark.task(1)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_a_path_without_a_route_is_json(app, method):
    cause = (
        "A path without a route has a handler of Tornado's, unless default_handler_class names one; "
        "prepare() of that one comes before each method."
    )
    is_json_error(app.ask("/nothing/here", method), 404, cause)


@pytest.mark.task(2)
def test_a_new_note_is_created_and_then_there(app):
    app.ask("/notes/milk", "PUT", body="two litres").expect(
        201, cause="The name was not there before: self.set_status(201)."
    )
    app.ask("/notes/milk").expect(
        200, text="two litres", cause="What PUT stores under a name, GET answers."
    )
    app.ask("/notes").expect(200, json={"notes": ["milk"]}, cause="Store it in self.notes.")


@pytest.mark.task(2)
def test_a_note_is_plain_text_whatever_is_in_it(app):
    app.ask("/notes/x", "PUT", body="<script>alert(1)</script>")
    answer = app.ask("/notes/x").expect(200, text="<script>alert(1)</script>")
    kind = answer.headers.get("Content-Type") or "no Content-Type"
    if not kind.lower().startswith("text/plain"):
        answer.wrong(
            "Content-Type: text/plain",
            f"Content-Type: {kind}",
            'set_header("Content-Type", "text/plain; charset=UTF-8"): as HTML, a script in it would run.',
        )


@pytest.mark.task(2)
def test_a_note_that_is_there_is_replaced(app):
    app.ask("/notes/milk", "PUT", body="two litres")
    app.ask("/notes/milk", "PUT", body="").expect(
        204, text="", cause="The name was there before: 204, and no body."
    )
    app.ask("/notes/milk").expect(200, text="", cause="An empty text is a note too.")


@pytest.mark.task(2)
def test_a_note_is_deleted_once(app):
    app.ask("/notes/milk", "PUT", body="")
    app.ask("/notes/eggs", "PUT", body="ten")
    app.ask("/notes/milk", "DELETE").expect(204, text="", cause="Removed: 204, and no body.")
    app.ask("/notes/milk").expect(
        404, cause="After DELETE the name is no longer there: raise HTTPError(404)."
    )
    app.ask("/notes/eggs").expect(200, text="ten", cause="DELETE removes the note of its own name.")
    app.ask("/notes/milk", "DELETE").expect(404, cause="Deleted twice: the second time 404.")


@pytest.mark.task(2)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_name_that_was_never_there_is_not_found(app, method):
    cause = "raise HTTPError(404) where there is no note: then write_error() makes the answer."
    is_json_error(app.ask("/notes/eggs", method), 404, cause)


@pytest.mark.task(2)
def test_any_name_and_any_text_will_do(app):
    app.ask("/notes/鸡蛋", "PUT", body="十个").expect(201, cause="The name arrives decoded.")
    app.ask("/notes/鸡蛋").expect(200, text="十个", cause="The text comes back as it was put.")
    app.ask("/notes/a%20list", "PUT", body=" eggs \n\n milk \n")
    answer = app.ask("/notes/a%20list").expect(200)
    if answer.body != b" eggs \n\n milk \n":
        cause = "The text comes back as it was put, blanks and line ends too."
        answer.wrong(repr(" eggs \n\n milk \n"), repr(answer.text), cause)


@pytest.mark.task(2)
def test_a_body_that_is_no_text_is_refused(app):
    cause = "decode() raises UnicodeDecodeError, the client's mistake: raise HTTPError(400)."
    is_json_error(app.ask("/notes/milk", "PUT", body=b"\xff\xfe"), 400, cause)
    app.ask("/notes/milk").expect(404, cause="A note that was refused is not stored.")


@pytest.fixture
def allowed(app):
    """`allowed(path, method)` is what Allow says in the answer to this request."""

    def ask(path, method, status):
        cause = "OPTIONS is a method like others: def options(self, *args)."
        answer = app.ask(path, method).expect(status, cause=cause)
        if answer.headers.get("Allow") is None:
            answer.wrong("a header Allow", "no header Allow", "self.set_header('Allow', ...)")
        return {name.strip() for name in answer.headers["Allow"].split(",")}

    return ask


@pytest.mark.task(3)
@pytest.mark.parametrize("path", ["/notes", "/notes/milk", "/broken"])
def test_allow_names_the_methods_of_the_path_and_no_other(app, allowed, path):
    got = allowed(path, "PATCH", 405)
    for method in METHODS:
        answer = app.ask(path, method)
        answer.status_is_right = True  # with another Allow, that is
        if (answer.status == 405) == (method in got):
            answer.wrong(
                f"{path} answers the methods that Allow names, and 405 to all others",
                f"Allow: {', '.join(sorted(got))}; {method} is answered {answer.status}",
                "Allow depends on the handler: which methods does it define itself?",
            )


@pytest.mark.task(3)
@pytest.mark.parametrize("path", ["/notes", "/notes/milk", "/broken"])
def test_options_says_the_same(learner, allowed, path):
    refused, asked = allowed(path, "PATCH", 405), allowed(path, "OPTIONS", 204)
    if refused != asked:
        learner.wrong(
            f"OPTIONS {path} names the same methods as a 405",
            f"{', '.join(sorted(asked))}; a 405 says {', '.join(sorted(refused))}",
            "Let one method set the header, and call it in both places.",
            at="BaseHandler.options",
        )


@pytest.mark.task(3)
def test_a_method_that_nobody_knows_is_refused_in_the_same_way(learner, allowed):
    got = allowed("/notes", "BREW", 405)
    if "GET" not in got:
        learner.wrong(
            "a 405 whose Allow names GET, for the method BREW too",
            f"Allow: {', '.join(sorted(got))}",
            "A method that Tornado does not know passes through write_error as well.",
            at="BaseHandler.write_error",
        )
