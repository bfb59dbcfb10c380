"""How long a backend is: logical lines of its source, and how many of them name a capability.

radon counts logical lines, which formatting and comments don't change; docstrings are left out. A
line is charged to a capability when it names it, or stands in an `if`, a function or a class that
does: what one has to read or to write for it. docs/figures.md says what that misses.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
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
