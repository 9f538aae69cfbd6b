"""The types of the language: what a column, an input or an expression may hold.

    bool int float text date time image split box    scalars
    list of T        record(a T, b U)        T | null        labels (a read column's alone, with their names)

`Unknown` is the type of what could not be worked out: it fits everything, so one mistake gives one message.
`Never` is the item type of the empty list `[]`, and fits every item type.
"""

from __future__ import annotations

from typing import TypeAlias

from cxrspec.compiler.nodes import node


@node
class Scalar:
    """A type without parts, by its name in the language."""

    name: str

    def __str__(self) -> str:
        return self.name


@node
class ListOf:
    """A list; its items may be nullable."""

    item: Type

    def __str__(self) -> str:
        return f"list of ({self.item})" if isinstance(self.item, Nullable) else f"list of {self.item}"


@node
class RecordOf:
    """A record: named fields in the order written."""

    fields: tuple[tuple[str, Type], ...]

    def __str__(self) -> str:
        return "record(" + ", ".join(f"{name} {type}" for name, type in self.fields) + ")"


@node
class LabelsOf:
    """For each of these names whether it is mentioned, and how: 1 positive, 0 negative, -1 uncertain, null not mentioned."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return "labels"


@node
class Nullable:
    """`T | null`. Never nested: build it with `nullable`."""

    inner: Type

    def __str__(self) -> str:
        return f"{self.inner} | null"


@node
class Variable:
    """`T` in a function's signature."""

    name: str

    def __str__(self) -> str:
        return self.name


@node
class Unknown:
    """What a mistake leaves behind; fits everything."""

    def __str__(self) -> str:
        return "?"


@node
class Never:
    """The item of the empty list; fits every type."""

    def __str__(self) -> str:
        return "nothing"


Type: TypeAlias = Scalar | ListOf | RecordOf | LabelsOf | Nullable | Variable | Unknown | Never

BOOL, INT, FLOAT, TEXT = Scalar("bool"), Scalar("int"), Scalar("float"), Scalar("text")
DATE, TIME, IMAGE, SPLIT, BOX = Scalar("date"), Scalar("time"), Scalar("image"), Scalar("split"), Scalar("box")
SCALARS = {s.name: s for s in (BOOL, INT, FLOAT, TEXT, DATE, TIME, IMAGE, SPLIT, BOX)}
LABEL = Scalar("label")  # a cell of labels: 1, 0 or -1; no file names it
SPLITS = ("train", "val", "test")
SPLITS_ELSEWHERE = {"training": "train", "valid": "val", "validate": "val", "validation": "val", "testing": "test"}
UNKNOWN = Unknown()
NEVER = Never()

# What a box is underneath: its corners as shares of the image (0 to 1, from the upper left), and the image's pixels.
FIELDS_OF_BOX = RecordOf((("x1", FLOAT), ("y1", FLOAT), ("x2", FLOAT), ("y2", FLOAT), ("width", INT), ("height", INT)))


def nullable(type: Type) -> Type:
    """`type | null`, written once however often it is asked for."""
    return type if isinstance(type, Nullable | Unknown) else Nullable(type)


def present(type: Type) -> Type:
    """`type` without its `| null`."""
    return type.inner if isinstance(type, Nullable) else type


def is_nullable(type: Type) -> bool:
    """Whether a value of `type` may be null."""
    return isinstance(type, Nullable)


def fits(actual: Type, expected: Type) -> bool:
    """Whether a value of type `actual` may stand where `expected` is asked for; an int is also a float.

    >>> fits(INT, FLOAT), fits(TEXT, nullable(TEXT)), fits(nullable(TEXT), TEXT)
    (True, True, False)
    """
    match actual, expected:
        case (Unknown() | Never(), _) | (_, Unknown()):
            return True
        case Nullable(inner), Nullable(wanted):
            return fits(inner, wanted)
        case _, Nullable(wanted):
            return fits(actual, wanted)
        case ListOf(item), ListOf(wanted):
            return fits(item, wanted) and (item == wanted or not _widens(item, wanted))
        case RecordOf(have), RecordOf(want):
            return [n for n, _ in have] == [n for n, _ in want] and all(
                fits(h, w) and not _widens(h, w) for (_, h), (_, w) in zip(have, want, strict=True)
            )
        case _:
            return actual == expected or (actual == INT and expected == FLOAT)


def _widens(actual: Type, expected: Type) -> bool:
    """Inside a list or record an int is not a float: the stored values would have to change."""
    return present(actual) == INT and present(expected) == FLOAT


def join(a: Type, b: Type) -> Type | None:
    """The type that holds both, or None: the two branches of `if`, the two sides of `??`, the items of a list.

    >>> str(join(INT, nullable(FLOAT)))
    'float | null'
    """
    if isinstance(a, Nullable) or isinstance(b, Nullable):
        inner = join(present(a), present(b))
        return None if inner is None else nullable(inner)
    if fits(a, b):
        return b
    if fits(b, a):
        return a
    if isinstance(a, ListOf) and isinstance(b, ListOf):
        item = join(a.item, b.item)
        return None if item is None else ListOf(item)
    return None
