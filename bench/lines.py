"""How long a backend is: logical lines of its source, and how many of them name a capability.

radon counts logical lines, which formatting and comments don't change; docstrings are left out. A
line is charged to a capability when it names it, or stands in an `if`, a function or a class that
does: what one has to read or to write for it. docs/figures.md says what that misses.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TOTAL = "total"
CAPABILITIES = {  # as names of variables, functions, attributes, keywords and short strings
    "biases": re.compile(r"bias|^[bc]$"),
    "optimizer": re.compile(r"optimi[sz]er|ada(grad|m)", re.IGNORECASE),
    "dropout": re.compile(r"dropout"),
}


def counted(path: Path) -> dict[str, int]:
    """Logical lines of a backend's file and of the private helpers beside it that it imports: in
    total and by capability. Raises SyntaxError and OSError.
    """
    trees = [_without_docstrings(tree) for tree in _modules(path)]
    found = {TOTAL: sum(map(_logical, trees))}
    for name, pattern in CAPABILITIES.items():
        found[name] = sum(_charged(tree, pattern) for tree in trees)
    return found


@dataclass(frozen=True, slots=True)
class Charge:
    """What an option takes in one backend, in logical lines: `own` are there for it alone (a block,
    a function, a class, an import or an assignment to names of its own), `shared` name it and do
    other work too.
    """

    own: int
    shared: int


def charge(path: Path, names: re.Pattern[str]) -> Charge:
    """The lines of a backend's file and of its private helpers that an option known by `names`
    takes. Raises SyntaxError and OSError.
    """
    trees = [_without_docstrings(tree) for tree in _modules(path)]
    charged = sum(_charged(tree, names) for tree in trees)
    own = sum(_own(tree, names) for tree in trees)
    return Charge(own, charged - own)


def _own(node: ast.AST, pattern: re.Pattern[str]) -> int:
    # As _charged, without the simple statements that do other work too.
    lines = 0
    for child in _statements(node):
        if _is_for(child, pattern):
            rest = child.orelse if isinstance(child, ast.If) else []
            kept = ast.Module(rest, [])
            lines += _logical(ast.Module([child], [])) - _logical(kept) + _own(kept, pattern)
        elif _makes_only(child, pattern):
            lines += 1
        else:
            lines += _own(child, pattern)
    return lines


def _makes_only(node: ast.stmt, pattern: re.Pattern[str]) -> bool:
    # An import or an assignment all of whose names are the option's.
    if isinstance(node, ast.ImportFrom):
        made = [alias.name for alias in node.names]
    elif isinstance(node, ast.Assign):
        made = [name for target in node.targets for name in _names(target)]
    else:
        return False
    return all(map(pattern.search, made))


def _modules(path: Path) -> list[ast.Module]:
    # The file and, each once, the files _*.py beside it that these import.
    found: dict[Path, ast.Module] = {}
    waiting = [path]
    while waiting:
        file = waiting.pop()
        if file not in found and file.is_file():
            found[file] = ast.parse(file.read_text(encoding="utf-8"), str(file))
            helpers = (name for name in _imported(found[file]) if name.startswith("_"))
            waiting += [path.with_name(f"{name}.py") for name in helpers]
    return list(found.values())


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield (node.module or "").rpartition(".")[2]
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.name.rpartition(".")[2] for alias in node.names)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def _logical(tree: ast.AST) -> int:
    from radon.raw import analyze

    return int(analyze(ast.unparse(tree)).lloc)


def _charged(node: ast.AST, pattern: re.Pattern[str]) -> int:
    # A statement that names it counts; a block that is there for it counts whole.
    lines = 0
    for child in _statements(node):
        if _is_for(child, pattern):
            rest = child.orelse if isinstance(child, ast.If) else []
            whole, kept = ast.Module([child], []), ast.Module(rest, [])
            lines += _logical(whole) - _logical(kept) + _charged(kept, pattern)
        else:
            lines += any(map(pattern.search, _names(child))) + _charged(child, pattern)
    return lines


def _is_for(node: ast.stmt, pattern: re.Pattern[str]) -> bool:
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return bool(pattern.search(node.name))
    return isinstance(node, ast.If) and any(map(pattern.search, _names(node)))


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        elif isinstance(child, ast.ExceptHandler | ast.match_case):
            yield from _statements(child)


def _names(node: ast.AST) -> Iterator[str]:
    # Of one statement alone, without those inside it.
    for field in ("id", "attr", "arg", "name", "value"):
        if isinstance(name := getattr(node, field, None), str):
            yield name
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.stmt):
            yield from _names(child)
