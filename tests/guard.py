"""What nbval does not see in a notebook: `problems(notebook)` finds it in the JSON."""

from __future__ import annotations

import ast
import re

from course.weave import METADATA, TAGS

SHOWS = {"print", "log", "run", "attempt", "display"}
"""Functions that show something whenever they are called."""
MAGIC = re.compile(r"^\s*(%|!|\?)|^\S*\?\s*$", re.MULTILINE)
LITTER = re.compile(
    r"\bmkdtemp\(|\bmkstemp\(|=\s*(?:tempfile\.)?(?:TemporaryDirectory|NamedTemporaryFile)\("
)
MACHINE = re.compile(r"/(?:home|root|Users|work|tmp/(?!ipykernel))/?\w")


def problems(notebook: dict) -> list[str]:
    """All that is wrong with a notebook, one line each; an empty list: nothing."""
    found = []
    if notebook["metadata"] != METADATA:
        found.append("other metadata than the normalised")
    if (notebook["nbformat"], notebook["nbformat_minor"]) != (4, 5):
        found.append("another format than 4.5")
    ids = [cell.get("id") for cell in notebook["cells"]]
    if len(set(ids)) != len(ids) or not all(ids):
        found.append("a cell without an id of its own")
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(notebook["cells"], 1):
        kind, source = cell["cell_type"], "".join(cell["source"])
        reasons = []
        if kind not in ("code", "markdown"):
            reasons.append(f"a {kind} cell")
        if not source.strip():
            reasons.append("empty")
        if kind == "code":
            reasons += code_problems(cell, source, code.index(cell) + 1)
        found += [f"cell {number}: {reason}" for reason in reasons]
    return found


def code_problems(cell: dict, source: str, count: int) -> list[str]:
    """What is wrong with one code cell, the `count`th."""
    tags = cell["metadata"].get("tags", [])
    outputs = cell["outputs"]
    errors = [output for output in outputs if output["output_type"] == "error"]
    stored = [text for output in outputs for text in texts(output)]
    found = []
    if cell["execution_count"] != count:
        found.append(f"execution count {cell['execution_count']}, not {count}")
    for output in outputs:
        if output.get("execution_count", count) != count:
            found.append("an output of another run")
        if output.get("name") == "stderr":
            found.append("text on stderr")
        if not set(output.get("data", {})) <= {"text/plain", "text/markdown", "image/png"}:
            found.append(f"an output of another type: {', '.join(output['data'])}")
        if "image/png" in output.get("data", {}) and "image" not in tags:
            found.append("an image without the tag image")
    if set(cell["metadata"]) - {"tags", "show"}:
        found.append(f"metadata {', '.join(cell['metadata'])}")
    found += [f"the tag {tag}" for tag in tags if not TAGS.fullmatch(tag)]
    if len(errors) != ("raises-exception" in tags):
        found.append(f"{len(errors)} errors stored")
    if "NBVAL_" in source or "PYTEST_VALIDATE" in source:
        found.append("a comment that nbval obeys")
    if LITTER.search(source):  # nbval kills the kernel, and what it would tidy up at its end stays
        found.append("a temporary file outside a with statement")
    if MAGIC.search(outside_strings(source)):
        found.append("a magic or a shell escape")
    elif shows(source) and not outputs:
        found.append("it shows something, and no output is stored")
    if any("UsageError" in text for text in stored):
        found.append("a UsageError is stored")
    if any(MACHINE.search(text) for text in stored):
        found.append("a path of the machine it was woven on")
    return found


def texts(output: dict) -> list[str]:
    """All texts of an output but its images."""
    parts = [output.get("text", ""), output.get("ename", ""), output.get("evalue", "")]
    parts += [text for kind, text in output.get("data", {}).items() if kind.startswith("text/")]
    return ["".join(part) for part in [*parts, output.get("traceback", "")]]


def outside_strings(source: str) -> str:
    """The source without its longer strings, in which anything may stand."""
    return re.sub(r'(?s)""".*?"""', '""', source)


def shows(source: str) -> bool:
    """Whether a cell prints, or ends in a value: its own lines, not those of a function it defines."""
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    body = compile(source, "<cell>", "exec", flags=flags).body
    if not body:
        return False
    todo = list(body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SHOWS:
            return True
        todo += ast.iter_child_nodes(node)
    last = body[-1]
    value = (
        last.value.value
        if isinstance(last, ast.Expr) and isinstance(last.value, ast.Await)
        else None
    )
    return isinstance(value, ast.Call) and getattr(value.func, "id", "") == "ask"
