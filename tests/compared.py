"""What came out of a compilation, to the last place, so that two of them can be compared."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, cast

from cxrspec.compiler.data import is_mapping
from cxrspec.compiler.pipeline import Compilation


def told(node: object) -> list[object]:
    """All that a tree holds, places too."""
    found: list[object] = []
    _tell(node, found)
    return found


def _tell(node: object, found: list[object]) -> None:
    kind = cast(Any, type(node))
    if (names := _fields(kind)) is not None:
        found.append(kind)
        for name in names:
            _tell(getattr(node, name), found)
    elif isinstance(node, tuple | list):
        for item in cast(tuple[object, ...], node):
            _tell(item, found)
    elif is_mapping(node):
        for name, item in node.items():
            found.append(name)
            _tell(item, found)
    else:
        found.append(node)


@cache
def _fields(kind: Any) -> tuple[str, ...] | None:
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else None


def whole(compilation: Compilation) -> list[object]:
    """All that came out of a compilation, in an order that does not hang on how it was worked out."""
    plans = {name: (spec.plan, spec.errors) for name, spec in compilation.specs.items()}
    trees = {path: told(parsed) for path, parsed in compilation.parsed.items()}
    return [plans, trees, compilation.diagnostics, compilation.ignored, compilation.relations, compilation.texts]
