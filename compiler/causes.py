"""Why a value has its type: the declaration that the type comes from, or the null in it.

    image: image(f"{folder}/{image_id}")     ->    `image` may be null, since `image_id` may be

A finding about a type names these places; findings that hang on one of them are said together (pipeline.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from cxrspec.compiler import syntax as s
from cxrspec.compiler.diagnostics import NO_CAUSE, Cause, Label, Span
from cxrspec.compiler.scopes import Binding, Origin, Scope
from cxrspec.compiler.typed import Apply, Branch, Column, Draw, Get, Map, Typed, children
from cxrspec.compiler.types import ListOf, RecordOf, Type, present

# What gives back its first argument, or an item of it: the type is that of what it was given.
PASSING = frozenset(("must", "item", "first", "present", "unique", "without", "every", "concat", "list", "choose"))


def cause_of(value: Typed, scope: Scope, null: bool = False) -> Cause:
    """Where the type of a value comes from, or the null in it; none if that is the expression's own doing."""
    column = next(_nulls(value), None) if null else _passed(value)
    found = _binding(column, scope) if column is not None else None
    return NO_CAUSE if found is None else declaration(*found, null)


def null_source(value: Typed, written: s.Expr, scope: Scope) -> tuple[Typed, Span | None]:
    """The column that a null in the value comes from and where it is named; the value as a whole if it is no column's."""
    match value, written:
        case Branch(_, then, otherwise), s.If(_, a, b):
            return null_source(then, a, scope) if holds_null(then.type) else null_source(otherwise, b, scope)
        case Apply("??", (_, otherwise)), s.Binary("??", _, b):
            return null_source(otherwise, b, scope)
        case _:
            pass
    column = next(_nulls(value), None)
    found = _binding(column, scope) if column is not None else None
    names = [part.span for part in s.walk(written) if isinstance(part, s.Name) and found and part.name == found[0]]
    return (column, names[0]) if column is not None and names else (value, written.span)


def declaration(name: str, binding: Binding, null: bool = False) -> Cause:
    """The cause that the declaration of a name is: it stands at one place, its type may come from another."""
    place, origin = binding.declared, binding.origin.null if null else binding.origin.type
    if place is None:
        return NO_CAUSE
    others = (Label(place, f"`{name}` is declared here"),)
    if origin is None or origin == place:
        return Cause(others, (place,))
    return Cause(
        (*others, Label(origin, "its null comes from here" if null else "its type comes from here")), (origin,)
    )


def origin_of(value: Typed, scope: Scope) -> Origin:
    """Where a new column that holds this value has its type and its null from."""
    type, null = (next(reversed(cause_of(value, scope, way).spans), None) for way in (False, True))
    return Origin(type, null)


def holds_null(type: Type) -> bool:
    """Whether a null may stand anywhere in a value of this type."""
    return type != without_nulls(type)


def without_nulls(type: Type) -> Type:
    """The type of the same values, of which none is null."""
    match present(type):
        case ListOf(item):
            return ListOf(without_nulls(item))
        case RecordOf(fields):
            return RecordOf(tuple((name, without_nulls(inner)) for name, inner in fields))
        case other:
            return other


def _nulls(value: Typed) -> Iterator[Column]:
    """The columns that a null in the value comes from."""
    match value:
        case Column(_, type):
            yield from (value,) if holds_null(type) else ()
        case Apply("??", (_, otherwise)):
            yield from _nulls(otherwise)
        case Branch(_, then, otherwise):
            yield from _nulls(then)
            yield from _nulls(otherwise)
        case _ if holds_null(value.type):
            for part in children(value):
                yield from _nulls(part)
        case _:
            pass


def _passed(value: Typed) -> Column | None:
    """The column whose type the value has."""
    match value:
        case Column():
            return value
        case Get(operand) | Map("where", operand, _):
            return _passed(operand)
        case Apply(function, (first, *_)) | Draw(function, (first, *_)) if function in PASSING:
            return _passed(first)
        case _:
            return None


def _binding(column: Column, scope: Scope) -> tuple[str, Binding] | None:
    """The name that a column has in the scope (that of an input is another than its column's)."""
    for name, binding in scope.names.items():
        if isinstance(binding.value, Column) and binding.value.name == column.name:
            return name, binding
    return None
