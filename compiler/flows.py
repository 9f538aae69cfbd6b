"""What CHECK builds a relation from: tables as others see them, and flows, which are relations on their way."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from cxrspec.compiler import plan as p
from cxrspec.compiler.causes import declaration
from cxrspec.compiler.diagnostics import Cause, Span
from cxrspec.compiler.scopes import NO_ORIGIN, Binding, Origin
from cxrspec.compiler.typed import Column, Typed, requirements
from cxrspec.compiler.types import Type


@dataclass(frozen=True, slots=True)
class Table:
    """A checked table: what others see of it (columns as narrowed by its filters, key), and how it is made.

    `places` say where a column is declared, `origins` where it has its type from.
    """

    relation: p.Relation
    columns: Mapping[str, Type]
    places: Mapping[str, Span]
    origins: Mapping[str, Origin]
    key: tuple[str, ...] | None
    span: Span | None


@dataclass(frozen=True, slots=True)
class Known:
    """What came of the sources and spaces. Tasks and specs are checked against it and change nothing in it.

    tables     every table of every source by its full name; None where a finding stands in its way
    strange    (source, name): ids of an identity that no table has
    sound      the spaces whose line holds
    relations  what the authorities of spaces say, and what tables of a published run look their splits up in
    """

    tables: Mapping[str, Table | None]
    strange: Collection[tuple[str, str]] = frozenset()
    sound: Collection[str] = frozenset()
    relations: Mapping[str, p.Relation] = field(default_factory=dict[str, p.Relation])


@dataclass(slots=True)
class Flow:
    """A relation under construction: the nodes so far, and the columns and key after the last of them.

    `hidden` columns go along through `select` and `group` (the identity and split of a spec's rows). After a step that
    left its columns unknown (`broken`) nothing more is said; without a table that could not be made (`partial`) there is
    no plan.
    """

    what: str
    nodes: list[p.Node]
    columns: dict[str, Type]
    places: dict[str, Span]
    key: tuple[str, ...] | None
    span: Span | None = None
    origins: dict[str, Origin] = field(default_factory=dict[str, Origin])
    hidden: tuple[str, ...] = ()
    broken: bool = False
    partial: bool = False

    def add(self, node: p.Node) -> None:
        """Append a node; the columns are those after it, with what has been proved before."""
        after = p.step(dict(self.columns), node)
        self.columns = after
        self.nodes.append(node)

    def declare(self, name: str, place: Span | None, origin: Origin = NO_ORIGIN) -> None:
        """Say where a column is declared, and where its type comes from."""
        self.places.pop(name, None)
        if place is not None:
            self.places[name] = place
        self.origins[name] = origin

    def cause(self, name: str, null: bool = False) -> Cause:
        """Why a column has its type, or holds a null."""
        binding = Binding(
            Column(name, self.columns[name]), self.places.get(name), origin=self.origins.get(name, NO_ORIGIN)
        )
        return declaration(name, binding, null)

    def origin(self, name: str) -> Origin:
        """Where another column that is made of this one has its type from."""
        place, origin = self.places.get(name), self.origins.get(name, NO_ORIGIN)
        return Origin(origin.type or place, origin.null or place)

    def derive(
        self,
        name: str,
        expression: Typed,
        span: Span | None,
        what: str,
        origin: Origin = NO_ORIGIN,
    ) -> None:
        """Append a new column, with the checks its expression asks for."""
        checks = tuple(p.Check(f"{assertion}() in `{what}`", needed) for assertion, needed in requirements(expression))
        self.add(p.Derive(name, expression, checks))
        self.declare(name, span, origin)
        if self.key is not None and name in self.key:
            self.key = None
