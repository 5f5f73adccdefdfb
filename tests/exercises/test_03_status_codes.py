"""The checks of chapter 3's exercise."""

import json

import pytest

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
WRITE_ERROR = (
    "Tornado calls write_error(status_code, **kwargs), an ordinary def that answers with self.write(); "
    "without one the error is HTML."
)


def is_json_error(answer, status, cause):
    """Fail unless the answer is the error of this status as the task describes it."""
    answer.expect(status, cause=cause)
    wanted = {"status": status, "error": answer.reason}
    try:
        got = json.loads(answer.body)
    except ValueError:
        got = None
    kind = answer.headers.get("Content-Type", "no Content-Type")
    if got != wanted or not kind.lower().startswith("application/json"):
        if got == wanted:
            cause = "self.write() of a dict sets the Content-Type; a text, as of json.dumps(), goes out as HTML."
        elif isinstance(got, dict):
            cause = "There are two fields: status is write_error's status_code, error self._reason, of this very error."
        shown = f"{status} {answer.text.rstrip()[:200]}    ({kind})"
        answer.wrong(f"{status} {json.dumps(wanted)}    (application/json)", shown, cause)


@pytest.mark.task(1)
@pytest.mark.parametrize("path", ["/notes", "/notes/bread", "/broken"])
def test_a_method_that_is_not_there_is_json(app, path):
    app.ask("/notes/bread", "PUT", body="")  # for a prepare() that looks for the note first
    is_json_error(app.ask(path, "PATCH"), 405, WRITE_ERROR)
    app.ask("/notes/bread", "DELETE")


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
    answer = app.ask("/notes/x").expect(
        200,
        text="<script>alert(1)</script>",
        cause="The text comes back as it was put: in plain text there is nothing to escape.",
    )
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
    app.ask("/notes/milk").expect(
        200, text="", cause="An empty text is a note too, and takes the place of the old one."
    )


@pytest.mark.task(2)
def test_a_note_is_deleted_once(app):
    app.ask("/notes/milk", "PUT", body="")
    app.ask("/notes/Milk", "PUT", body="ten")
    app.ask("/notes/milk", "DELETE").expect(204, text="", cause="Removed: 204, and no body.")
    app.ask("/notes/milk").expect(
        404, cause="After DELETE the name is no longer there: raise HTTPError(404)."
    )
    app.ask("/notes/Milk").expect(200, text="ten", cause="DELETE removes the note of its own name.")
    app.ask("/notes/milk", "DELETE").expect(404, cause="Deleted twice: the second time 404.")
    app.ask("/notes/milk", "PUT", body="").expect(
        201,
        cause="After DELETE there is no note of that name: remove the key, and remember nothing.",
    )


@pytest.mark.task(2)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_name_that_was_never_there_is_not_found(app, method):
    cause = "raise HTTPError(404) where there is no note: then write_error() makes the answer."
    is_json_error(app.ask("/notes/eggs", method), 404, cause)


@pytest.mark.task(2)
def test_any_name_and_any_text_will_do(app):
    app.ask("/notes/鸡蛋", "PUT", body="十个").expect(
        201, cause="The name arrives decoded, and body.decode() reads UTF-8."
    )
    app.ask("/notes/鸡蛋").expect(200, text="十个", cause="The text comes back as it was put.")
    app.ask("/notes/a%20list", "PUT", body=" eggs \n\n milk \n")
    answer = app.ask("/notes/a%20list").expect(200)
    if answer.body != b" eggs \n\n milk \n":
        cause = "The text comes back as it was put, blanks and line ends too."
        answer.wrong(repr(" eggs \n\n milk \n"), repr(answer.text), cause)


@pytest.mark.task(2)
def test_a_body_that_is_no_text_is_refused(app):
    cause = "decode() raises UnicodeDecodeError, the client's mistake: raise HTTPError(400)."
    is_json_error(app.ask("/notes/cheese", "PUT", body=b"\xff\xfe"), 400, cause)
    app.ask("/notes/cheese").expect(404, cause="A note that was refused is not stored.")
    app.ask("/notes/cheese", "PUT", body="brie")
    app.ask("/notes/cheese", "PUT", body=b"\xff\xfe")
    app.ask("/notes/cheese").expect(
        200,
        text="brie",
        cause="A note that was refused leaves the one before it: decode() comes first.",
    )


@pytest.fixture
def allowed(app):
    """`allowed(path, method)` is what Allow says in the answer to this request."""

    def ask(path, method, status):
        cause = "A method that the handler does not define is answered 405."
        if method == "OPTIONS":
            cause = "OPTIONS is a method like others: def options(self, *args)."
        else:
            app.ask("/notes/milk", "PUT", body="")  # for a prepare() that looks for the note first
        answer = app.ask(path, method).expect(status, cause=cause)
        allow = answer.headers.get("Allow")
        if allow is None:
            cause = "self.set_header('Allow', ...), in write_error() too: an error throws away what was set before."
            answer.wrong("a header Allow", "no header Allow", cause)
        names = {name.strip() for name in allow.split(",")} - {""}
        if not names <= set(METHODS):
            cause = (
                "Allow names methods, in capitals and with commas between them: ', '.join(methods)."
            )
            answer.wrong("a list such as Allow: GET, OPTIONS", f"Allow: {allow}", cause)
        return names

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
    asked, refused = allowed(path, "OPTIONS", 204), allowed(path, "PATCH", 405)
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
