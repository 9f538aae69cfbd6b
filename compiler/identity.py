"""CHECK, the part about identity: who a row is about, as the columns `$space`, `$patient` and `$study`."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cxrspec.compiler import declarations as d
from cxrspec.compiler import syntax as s
from cxrspec.compiler.flows import Flow
from cxrspec.compiler.typed import Apply, Branch, Column, Const, Typed, narrowed
from cxrspec.compiler.types import BOOL, TEXT, is_nullable, nullable, present

IDENTITY = ("$space", "$patient", "$study")


def ids(identity: d.Identity) -> tuple[s.Name, ...]:
    """The columns of an identity, those of the patient first."""
    return (*(identity.patient or ()), *identity.study)


def usable(source: d.Source, columns: Collection[str]) -> tuple[d.Identity, ...]:
    """The identities of the source whose ids are all among the columns."""
    return tuple(i for i in source.identity if all(n.name in columns for n in ids(i)))


def identify(flow: Flow, identities: Sequence[d.Identity]) -> None:
    """Say of each row who it is about: the first identity whose ids are not null. An id that the rows lack is null."""
    *firsts, last = identities
    values = _values(last, flow)
    for identity in reversed(firsts):
        there = _there(identity, flow)
        values = [_first(there, one, rest) for one, rest in zip(_values(identity, flow), values, strict=True)]
    for name, value in zip(IDENTITY, values, strict=True):
        flow.derive(name, value, None, "identity")


def _first(there: Typed, value: Typed, rest: Typed) -> Typed:
    """The value of an identity where its ids are there (then it is no null, unless it never has one), else the rest."""
    value = value if value == null() else narrowed(value)
    return Branch(there, value, rest, nullable(TEXT) if is_nullable(value.type) or is_nullable(rest.type) else TEXT)


def _values(identity: d.Identity, flow: Flow) -> list[Typed]:
    patient, study = (_qualified(identity.space, names, flow) for names in (identity.patient, identity.study))
    return [Const(identity.space, TEXT), patient, study]


def _there(identity: d.Identity, flow: Flow) -> Typed:
    names = [n.name for n in ids(identity) if n.name in flow.columns]
    tests: list[Typed] = [Apply("is not null", (Column(name, flow.columns[name]),), BOOL) for name in names]
    found = tests[0]
    for test in tests[1:]:
        found = Apply("and", (found, test), BOOL)
    return found


def _qualified(space: str, names: tuple[s.Name, ...] | None, flow: Flow) -> Typed:
    """`space/id`: ids of different spaces never meet."""
    if not names or any(n.name not in flow.columns for n in names):
        return null()
    return joined([Const(space, TEXT), *(escaped(Column(n.name, flow.columns[n.name])) for n in names)])


def escaped(value: Typed) -> Typed:
    """A value as a part of an id."""
    type = nullable(TEXT) if is_nullable(value.type) else TEXT
    text = value if present(value.type) == TEXT else Apply("text", (value,), type)
    return Apply("escape", (text,), text.type)


def joined(parts: Sequence[Typed]) -> Typed:
    """Parts of an id with `/` between; null if one of them is."""
    pieces: list[Typed] = []
    for i, part in enumerate(parts):
        pieces += [Const("/", TEXT), part] if i else [part]
    return Apply("format", tuple(pieces), nullable(TEXT) if any(is_nullable(x.type) for x in parts) else TEXT)


def null() -> Typed:
    """No value, where a text could stand."""
    return Apply("null", (), nullable(TEXT))
