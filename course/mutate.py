"""Mutants of a program: each is the program with one small thing changed, as a slip would change it."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

OTHERS = {
    ast.Eq: ["!="],
    ast.NotEq: ["=="],
    ast.Lt: ["<=", ">="],
    ast.LtE: ["<", ">"],
    ast.Gt: [">=", "<="],
    ast.GtE: [">", "<"],
    ast.In: ["not in"],
    ast.NotIn: ["in"],
    ast.Is: ["is not"],
    ast.IsNot: ["is"],
    ast.Add: ["-"],
    ast.Sub: ["+"],
    ast.Mult: ["/"],
    ast.Div: ["*"],
    ast.FloorDiv: ["*"],
    ast.Mod: ["*"],
    ast.BitOr: ["&"],
    ast.BitAnd: ["|"],
    ast.And: ["or"],
    ast.Or: ["and"],
}
"""What takes the place of an operator."""

NOT_MUTATED = {"main", "start_timeline", "TimelineHandler"}
"""What the checks never call: it only starts the program, and stands in for what it asks."""


@dataclass(frozen=True)
class Mutant:
    """`text` is the whole program, `where` the class and function, `old` and `new` the lines that differ."""

    where: str
    line: int
    old: str
    new: str
    text: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What names it, whatever line it stands in."""
        return self.where, self.old, self.new

    def __str__(self) -> str:
        return f"line {self.line}, {self.where}: {self.old}  ->  {self.new}"


def mutants(text: str) -> list[Mutant]:
    """All mutants of a program, in the order of its lines, each once; none that Python cannot compile."""
    found: dict[str, Mutant] = {}
    source = _Source(text)
    for where, node, new in _changes(ast.parse(text), source):
        changed = source.replaced(node, new)
        if changed != text and changed not in found and _compiles(changed):
            found[changed] = Mutant(where, node.lineno, *_difference(text, changed), changed)
    return sorted(found.values(), key=lambda mutant: mutant.line)


def _compiles(text: str) -> bool:
    with warnings.catch_warnings(action="ignore"):
        try:
            compile(text, "mutant", "exec")
        except SyntaxError:
            return False
    return True


class _Source:
    """A program's text, in which a node's text can be looked up and replaced."""

    def __init__(self, text: str):
        self._text = text.encode()
        self._starts = [0]
        for line in self._text.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def _span(self, node) -> tuple[int, int]:
        return (
            self._starts[node.lineno - 1] + node.col_offset,
            self._starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def of(self, node) -> str:
        start, end = self._span(node)
        return self._text[start:end].decode()

    def between(self, left, right) -> tuple[ast.expr, str]:
        """What stands between two nodes, such as an operator, as a node of its own, and its text."""
        node = ast.Pass(
            lineno=left.end_lineno,
            col_offset=left.end_col_offset,
            end_lineno=right.lineno,
            end_col_offset=right.col_offset,
        )
        return node, self.of(node)

    def replaced(self, node, new: str) -> str:
        start, end = self._span(node)
        return (self._text[:start] + new.encode() + self._text[end:]).decode()


def _changes(tree: ast.AST, source: _Source) -> Iterator[tuple[str, ast.AST, str]]:
    """Each change: the class and function it is in, the node, the text that takes its place."""
    todo = [("", node) for node in ast.iter_child_nodes(tree)]
    while todo:
        where, node = todo.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            if node.name in NOT_MUTATED:
                continue
            where = f"{where}.{node.name}".strip(".")
        elif isinstance(node, (ast.Import, ast.ImportFrom)) or (_is_guard(node) and not where):
            continue
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # a docstring
        for changed, new in _of(node, source):
            yield where or "the file", changed, new
        todo += [(where, child) for child in ast.iter_child_nodes(node)]


def _is_guard(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)


def _of(node: ast.AST, source: _Source) -> Iterator[tuple[ast.AST, str]]:
    """The changes that one node allows."""
    match node:
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            for a, b, operator in zip([left, *comparators], comparators, ops, strict=False):
                yield from _operators(source, a, b, operator)
        case ast.BinOp(left=left, right=right, op=operator):
            yield from _operators(source, left, right, operator)
        case ast.BoolOp(values=[first, second, *_], op=operator):
            yield from _operators(source, first, second, operator)
        case ast.AugAssign(target=target, value=value, op=operator):
            yield from _operators(source, target, value, operator)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield node, f"({source.of(operand)})"
        case ast.Await(value=value):
            yield node, source.of(value)
        case ast.Constant() if not hasattr(node, "wording"):
            yield from ((node, new) for new in _constants(node.value, source.of(node)))
        case ast.Return(value=value) if value is not None:
            yield node, "return None"
        case ast.ExceptHandler(type=kind) if kind is not None:
            yield kind, "ZeroDivisionError"
            if isinstance(kind, ast.Tuple):
                for each in kind.elts:
                    yield each, "ZeroDivisionError"
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            if not isinstance(test, ast.Compare):
                yield test, f"not ({source.of(test)})"
            yield test, "False"
            if not isinstance(node, ast.While):
                yield test, "True"
        case ast.comprehension(ifs=tests):
            for test in tests:
                yield test, "True"
        case ast.JoinedStr():
            for part in node.values:
                part.wording = True  # a part of an f-string has no place of its own
        case ast.keyword(arg=name, value=value) if name in WORDING:
            value.wording = True
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "error":
                    value.wording = True
        case ast.Raise(exc=ast.Call(args=[ast.Constant(value=str()) as text, *_])):
            text.wording = True
        case ast.Slice(lower=lower, upper=upper):
            for bound in (lower, upper):
                if bound is not None:
                    yield bound, ""
        case ast.Call():
            yield from _calls(node, source)
        case (
            ast.FunctionDef(decorator_list=decorators)
            | ast.AsyncFunctionDef(decorator_list=decorators)
        ):
            for decorator in decorators:
                yield decorator, "(lambda function: function)"
    if isinstance(node, (ast.Expr, ast.Assign, ast.AugAssign, ast.Raise, ast.Delete)):
        yield node, "pass"
    if isinstance(node, (ast.Break, ast.Continue)):
        yield node, "pass"


def _operators(source: _Source, left, right, operator) -> Iterator[tuple[ast.AST, str]]:
    gap, text = source.between(left, right)
    for new in OTHERS.get(type(operator), []):
        old = re.search(r"not\s+in|is\s+not|[a-z]+|[^\s\w()]+", text)
        equals = "=" if old and old[0].endswith("=") and isinstance(operator, ast.operator) else ""
        if old:
            yield gap, text[: old.start()] + new + equals + text[old.end() :]


def _constants(value, text: str) -> list[str]:
    if isinstance(value, bool):
        return [str(not value)]
    if isinstance(value, int):
        return [str(value + 1), str(value - 1)]
    if isinstance(value, float):
        return [str(value * 4), "0.0"]
    if isinstance(value, (str, bytes)):
        return list(_strings(value, text))
    return ["0"] if value is None else []


def _strings(value, text: str) -> Iterator[str]:
    if not value:
        yield f"{text[:-1]}mutant{text[-1]}"
        return
    if text.startswith("r"):  # a pattern
        for old, new in [("[^/]+", r"\w+"), ("[^/]+", "[^/]*"), ("+", "*"), ("(.*)", "(.+)")]:
            if old in text:
                yield text.replace(old, new, 1)
        for old in ("$", "^", "?"):
            if old in text:
                yield text.replace(old, "", 1)
    if isinstance(value, str) and value.isdecimal():
        for step in (1, -1):
            yield text.replace(value, str(int(value) + step))
    elif text[-3:] in ('"""', "'''"):
        yield '"mutant"'
    else:
        yield f"{text[:-1]}x{text[-1]}"


WORDING = {"reason", "help", "log_message"}
"""Arguments that are sentences for a person: a check never asks for their words."""


def _calls(node: ast.Call, source: _Source) -> Iterator[tuple[ast.AST, str]]:
    """A call without one of its keywords; and what a call is given, without the call."""
    parts = [source.of(arg) for arg in node.args]
    keywords = [
        f"{each.arg}={source.of(each.value)}" if each.arg else f"**{source.of(each.value)}"
        for each in node.keywords
    ]
    function = source.of(node.func)
    for index, keyword in enumerate(node.keywords):
        if keyword.arg in WORDING:
            continue
        left = [*parts, *keywords[:index], *keywords[index + 1 :]]
        yield node, f"{function}({', '.join(left)})"
    if len(parts) == 1 and not isinstance(node.args[0], ast.Starred):
        yield node, f"({parts[0]})"
    if len(parts) > 1 and not isinstance(node.args[-1], ast.Starred):
        yield node, f"{function}({', '.join([*parts[:-1], *keywords])})"


def _difference(old: str, new: str) -> tuple[str, str]:
    """The lines that differ, without those that are the same at both ends."""
    a, b = old.splitlines(), new.splitlines()
    while a and b and a[0] == b[0]:
        a, b = a[1:], b[1:]
    while a and b and a[-1] == b[-1]:
        a, b = a[:-1], b[:-1]
    return tuple(" ".join(line.strip() for line in lines) for lines in (a, b))
