"""How a check fails: with what the learner needs to know, and nothing of the harness."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field


@dataclass
class Failure:
    """What is said of a check that failed.

    `kind` is "todo" (not done yet), "missing" (a name that the task asks for), "import" or "exit" (of the file), "wrong" (a
    response), "error" (an exception, or no response), "timeout", "blocks" (the event loop) or "port" (in use); `replay` is
    the request as you can paste it; `cause` the likeliest cause in one sentence; `lines` the learner's own lines that it
    comes from, outermost first, each with `line`, `code` and `file`; `printed` the end of what the learner's code printed;
    `whole` whether it is about the whole file, so that nothing can be checked; `reproducible` whether `make run-N` answers
    the replayed request in the same way.
    """

    kind: str
    expected: str = ""
    got: str = ""
    cause: str = ""
    replay: str = ""
    lines: list[dict] = field(default_factory=list)
    printed: str = ""
    whole: bool = False
    reproducible: bool = False

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
        """The failure as data that any terminal and any JSON reader can take."""
        data = {k: printable(v) if isinstance(v, str) else v for k, v in asdict(self).items()}
        data["lines"] = [line | {"code": printable(line["code"])} for line in self.lines]
        return data


def printable(text: str, most: int = 4000) -> str:
    """The string without terminal escapes and without lone surrogates; cut if it is long."""
    if len(text) > most:
        text = f"{text[:most]}... ({len(text)} characters)"
    text = text.encode(errors="backslashreplace").decode()
    return re.sub(
        r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]",
        lambda found: found[0].encode("unicode_escape").decode(),
        text.replace("\r\n", "\n"),
    )


class Wrong(AssertionError):
    """A check that failed; `failure` says how."""

    def __init__(self, failure: Failure):
        super().__init__(str(failure))
        self.failure = failure
