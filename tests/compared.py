"""What came out of a compilation, to the last place, so that two of them can be compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import cast

from cxrspec.compiler.data import is_mapping
from cxrspec.compiler.pipeline import Compilation


def told(node: object) -> Iterator[object]:
    """All that a tree holds, places too."""
    if is_dataclass(node):
        yield type(node)
        for field in fields(node):
            yield from told(getattr(node, field.name))
    elif isinstance(node, tuple | list):
        for item in cast(tuple[object, ...], node):
            yield from told(item)
    elif is_mapping(node):
        for name, item in node.items():
            yield name
            yield from told(item)
    else:
        yield node


def whole(compilation: Compilation) -> list[object]:
    """All that came out of a compilation, in an order that does not hang on how it was worked out."""
    plans = {name: (spec.plan, spec.errors) for name, spec in compilation.specs.items()}
    trees = {path: list(told(parsed)) for path, parsed in compilation.parsed.items()}
    return [plans, trees, compilation.diagnostics, compilation.ignored, compilation.relations, compilation.texts]
