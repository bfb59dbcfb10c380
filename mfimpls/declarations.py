"""What a source file declares with @backend, read without running it.

Capabilities are data: where the decorator's arguments are literals, constants of the contract or
Option(...) calls, lists and refusals need neither Numba nor PyTorch in memory.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mfimpls import contract
from mfimpls.contract import Caps, Option

CONSTANTS = {name: getattr(contract, name) for name in ("DTYPES", "OPTIMIZERS", "ORDERS")}


@dataclass(frozen=True, slots=True)
class Declaration:
    """One decorated function of a file; `caps` is None where its arguments have to be computed."""

    attribute: str
    name: str
    caps: Caps | None
    doc: str


def read(path: Path) -> list[Declaration]:
    """The backends that a file declares at its top level. Raises SyntaxError and OSError."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return [found for node in tree.body for found in _declared(node)]


def _declared(node: ast.stmt) -> Iterator[Declaration]:
    if not isinstance(node, ast.FunctionDef):
        return
    for call in node.decorator_list:
        if not isinstance(call, ast.Call) or not _is_backend(call.func) or not call.args:
            continue
        doc = ast.get_docstring(node) or ""
        try:
            arguments = {k.arg: _value(k.value) for k in call.keywords if k.arg}
            yield Declaration(node.name, str(_value(call.args[0])), Caps(**arguments), doc)
        except (TypeError, ValueError):
            yield Declaration(node.name, node.name, None, doc)


def _is_backend(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute):
        return function.attr == "backend"
    return isinstance(function, ast.Name) and function.id == "backend"


def _value(node: ast.expr) -> Any:
    # Raises ValueError for what is not plain data.
    if isinstance(node, ast.Name) and node.id in CONSTANTS:
        return CONSTANTS[node.id]
    if isinstance(node, ast.Tuple):
        return tuple(map(_value, node.elts))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Option":
        keywords = {k.arg: _value(k.value) for k in node.keywords if k.arg}
        return Option(*map(_value, node.args), **keywords)
    return ast.literal_eval(node)
