"""How a check fails: with what the learner needs to know, and nothing of the harness."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

KINDS = {
    "todo": "not done yet",
    "missing": "something that the task asks for is not there",
    "import": "the file does not import",
    "exit": "the file ends the program while it is imported",
    "wrong": "a wrong answer",
    "error": "an exception in your code",
    "timeout": "no answer in time",
    "blocks": "it blocks the event loop",
    "port": "the port is in use",
}


@dataclass
class Failure:
    """What is said of a check that failed.

    `kind` is one of KINDS; `replay` the request as one can paste it; `cause` the likeliest cause in one sentence; `lines` the
    learner's own lines that it comes from, outermost first, each with `line` and `code`; `printed` the end of what the
    learner's code printed; `whole` whether it is about the whole file, so that nothing can be checked.
    """

    kind: str
    expected: str = ""
    got: str = ""
    cause: str = ""
    replay: str = ""
    lines: list[dict] = field(default_factory=list)
    printed: str = ""
    whole: bool = False

    def __str__(self) -> str:
        parts = [
            ("", self.replay),
            ("expected", self.expected),
            ("got", self.got),
            ("", self.cause),
        ]
        parts += [(f"line {each['line']}", each["code"]) for each in self.lines]
        text = [f"{name:9} {value}" if name else value for name, value in parts if value]
        return f"[{self.kind}] " + "\n".join(text)

    def as_dict(self) -> dict:
        return asdict(self)


class Wrong(AssertionError):
    """A check that failed; `failure` says how."""

    def __init__(self, failure: Failure):
        super().__init__(str(failure))
        self.failure = failure


def wrong(expected: str, got: str, cause: str, kind: str = "wrong") -> None:
    """Fail the check. All three are sentences or values, as the learner will read them."""
    raise Wrong(Failure(kind, str(expected), str(got), cause))
