"""Two lineages side by side: from something that differs back to what is made otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cxrspec.compiler.lineage import Made, Op, Rows, shape, step
from cxrspec.compiler.plan import Join, Union
from cxrspec.compiler.typed import Apply, Branch, Column, Const, Typed, children

Sign = int
"""What is done to rows: 1 adds some, -1 removes some, 0 may do both."""


@dataclass(frozen=True, slots=True)
class Departure:
    """A column of a relation ("column"), or a step of it (its word in YAML), that is made otherwise.

    `wording`: only texts differ that are printed as they stand.
    """

    relation: str
    kind: str
    name: str
    sign: Sign = 0
    wording: bool = False


class Departures:
    """What is made otherwise, each once, in the order found."""

    def __init__(self) -> None:
        self.found: dict[Departure, None] = {}
        self.seen: set[tuple[int, int, int]] = set()

    def column(self, old: Made, new: Made, printed: bool = False) -> None:
        """Why two columns differ; `printed`: their texts are printed."""
        if old.number == new.number or self.known(old, new, printed):
            return
        if isinstance(old.node, Union) != isinstance(new.node, Union):  # the rows below are a matter of rows
            a, b = (made.of[made.name] if isinstance(made.node, Union) else made for made in (old, new))
            self.column(a, b, printed)
            return
        if (old.relation, old.name) != (new.relation, new.name):
            self.add(of_column(old), of_column(new))
            return
        if shape(old.node) != shape(new.node):
            wording = printed and only_wording(old.node, new.node)
            self.add(replace(of_column(new), wording=wording))
        shown = printed_columns(old.node) & printed_columns(new.node) if printed else frozenset[str]()
        for name in sorted(old.of.keys() & new.of.keys()):
            self.column(old.of[name], new.of[name], name in shown)
        if old.rows is not None and new.rows is not None:
            self.rows(old.rows, new.rows, 0)

    def rows(self, old: Rows, new: Rows, sign: Sign = 1) -> None:
        """Why two sets of rows differ; `sign`: what more rows here add to (1) or take from (-1) those asked about."""
        if old.number == new.number or self.known(old, new, sign):
            return
        if "keep" in (op.kind for op in new.ops):
            sign = 0  # one row less makes room for another
        if old.start is not None and new.start is not None and old.start.relation != new.start.relation:
            self.add(Departure(new.relation, "from", ""))
        elif old.start is not None and new.start is not None:
            self.rows(old.start, new.start, sign)
        self.steps(new.relation, old.ops, new.ops, sign)

    def steps(self, relation: str, old: Sequence[Op], new: Sequence[Op], sign: Sign) -> None:
        """Steps that do the same are one, whatever their names, then those of one name; the others are new or gone."""
        gone, come = list(old), list(new)
        for op in old:
            if twin := next((other for other in come if other.number == op.number), None):
                gone.remove(op)
                come.remove(twin)
        for op in list(gone):
            if twin := next((other for other in come if (other.kind, other.name) == (op.kind, op.name)), None):
                gone.remove(op)
                come.remove(twin)
                self.step(relation, op, twin, sign)
        self.add(*(Departure(relation, op.kind, op.name, -sign * effect(op)) for op in gone))
        self.add(*(Departure(relation, op.kind, op.name, sign * effect(op)) for op in come))
        if sorted(op.number for op in old) == sorted(op.number for op in new):
            moved = [b for a, b in zip(old, new, strict=True) if a.number != b.number]
            self.add(*(Departure(relation, op.kind, op.name) for op in moved[:1]))

    def step(self, relation: str, old: Op, new: Op, sign: Sign) -> None:
        """Why two steps of one name differ."""
        if shape(old.node) != shape(new.node):
            self.add(Departure(relation, new.kind, new.name, sign * narrowed(old, new)))
        for name in sorted(old.of.keys() & new.of.keys()):
            self.column(old.of[name], new.of[name])
        if old.rows is not None and new.rows is not None:
            against = isinstance(new.node, Join) and new.node.kind == "anti"
            self.rows(old.rows, new.rows, -sign if against else sign if new.kind in ("join", "union") else 0)

    def known(self, old: Made | Rows, new: Made | Rows, how: int) -> bool:
        """Whether this pair has been followed before."""
        pair = (id(old), id(new), how)
        seen = pair in self.seen
        self.seen.add(pair)
        return seen

    def add(self, *departures: Departure) -> None:
        """Note departures."""
        self.found |= dict.fromkeys(departures)


def of_column(made: Made) -> Departure:
    """The step that brings a column, or the column where it is made by an expression or read."""
    kind, name = step(made.node)
    return Departure(made.relation, kind or "column", name if kind else made.name)


def effect(op: Op) -> Sign:
    """What a step does to the rows before it, where it can be told."""
    match op.kind:
        case "where" | "keep":
            return -1
        case "join":
            return 0 if isinstance(op.node, Join) and op.node.many else -1
        case "union" | "contrast":
            return 1
        case _:
            return 0


def narrowed(old: Op, new: Op) -> Sign:
    """Whether a filter lets fewer rows pass (-1) than it did, or more (1), where that can be told.

    age >= 18                ->  age >= 21                     -1
    view in ["AP"]           ->  view in ["AP", "PA"]           1
    age >= 18 and frontal    ->  age >= 18                      1
    """
    before = {shape(part, old.of): part for part in conjuncts(old.node)}
    after = {shape(part, new.of): part for part in conjuncts(new.node)}
    gone, come = before.keys() - after.keys(), after.keys() - before.keys()
    if not gone or not come:
        return 1 if gone else -1 if come else 0
    if len(gone) > 1 or len(come) > 1:
        return 0
    match before[gone.pop()], after[come.pop()]:
        case Apply("in", (a, Const(tuple(few)))), Apply("in", (b, Const(tuple(many)))) if _same(a, b, old, new):
            return 1 if {*few} < {*many} else -1 if {*few} > {*many} else 0
        case Apply(("<" | "<=") as op, (a, Const(x))), Apply(other, (b, Const(y))) if op == other:
            return _moved(x, y) if _same(a, b, old, new) else 0
        case Apply((">" | ">=") as op, (a, Const(x))), Apply(other, (b, Const(y))) if op == other:
            return -_moved(x, y) if _same(a, b, old, new) else 0
        case _:
            return 0


def conjuncts(condition: object) -> list[Typed]:
    """The parts of a condition that all must hold."""
    match condition:
        case Apply("and", (left, right)):
            return [*conjuncts(left), *conjuncts(right)]
        case _ if isinstance(condition, Typed):
            return [condition]
        case _:
            return []


def _same(a: Typed, b: Typed, old: Op, new: Op) -> bool:
    return shape(a, old.of) == shape(b, new.of)


def _moved(old: object, new: object) -> Sign:
    """Whether a bound went up (1) or down (-1)."""
    if isinstance(old, int | float) and isinstance(new, int | float):
        return (new > old) - (new < old)
    return 0


def only_wording(old: object, new: object) -> bool:
    """Whether two expressions differ in nothing but texts that are printed as they stand.

    if tube then "Yes." else "No."    ->    if tube then "Yes, there is." else "No, there is none."
    """
    match old, new:
        case Const(str(), _), Const(str(), _):
            return True
        case Branch(a, then, rest), Branch(b, new_then, new_rest):
            pairs = ((then, new_then), (rest, new_rest))
            return shape(a) == shape(b) and all(shape(x) == shape(y) or only_wording(x, y) for x, y in pairs)
        case Apply("format" | "??" as op, parts), Apply(other, others) if op == other and len(parts) == len(others):
            return all(shape(x) == shape(y) or only_wording(x, y) for x, y in zip(parts, others, strict=True))
        case _:
            return False


def printed_columns(expression: object) -> frozenset[str]:
    """The columns of which nothing is done but that they are printed as they stand."""
    printed, used = _columns(expression, True) if isinstance(expression, Typed) else (set[str](), set[str]())
    return frozenset(printed - used)


def _columns(expression: Typed, shown: bool) -> tuple[set[str], set[str]]:
    """The columns that are printed, and those of which something else is done."""
    match expression:
        case Column(name):
            return ({name}, set()) if shown else (set(), {name})
        case Branch(condition, then, otherwise):
            parts = [(condition, False), (then, shown), (otherwise, shown)]
        case Apply("format" | "??", arguments):
            parts = [(argument, shown) for argument in arguments]
        case _:
            parts = [(child, False) for child in children(expression)]
    both = [_columns(part, here) for part, here in parts]
    return {n for printed, _ in both for n in printed}, {n for _, used in both for n in used}
