"""LOWER: checked relations -> plan. What no example needs is dropped: columns, keyed left joins, whole tables and files.

Polars keeps a left join whose columns nobody reads; this pass does not, so a spec needs only the files it reads. What is
written in no order is put into that of its names: equal specs have equal plans, whatever the order of their keys.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from graphlib import TopologicalSorter

from cxrspec.compiler import plan as p
from cxrspec.compiler.forms import bound
from cxrspec.compiler.typed import Typed, columns
from cxrspec.compiler.types import Type

# What the output needs of a spec's last relation, beside its images.
RESULT = frozenset(("$id", "$space", "$patient", "$study", "split", "turns", "target", "boxes"))


def lower(relations: Mapping[str, p.Relation], spec: str, expect: tuple[tuple[str, int, int], ...] = ()) -> p.Plan:
    """The plan of one spec."""
    return p.Plan(spec, prune(relations, (spec,)), expect)


def prune(relations: Mapping[str, p.Relation], specs: Iterable[str]) -> tuple[p.Relation, ...]:
    """The relations that make the examples of `specs`, each after those it needs, with only the columns that are used.

    For several specs the needs are put together, so that a table they share is one relation.
    """
    wanted: dict[str, set[str]] = {name: result(relations[name]) for name in specs}
    kept: dict[str, p.Relation] = {}
    for name in _users_first(relations, wanted):
        if name in wanted:
            nodes, needs = _prune(relations[name], wanted[name])
            kept[name] = replace(relations[name], nodes=nodes)
            for other, needed in needs:
                wanted.setdefault(other, set()).update(needed)
    return tuple(reversed(kept.values()))


def absent(plan: p.Plan, names: Collection[str]) -> p.Plan:
    """The plan in which these relations have no rows, and nothing is read for them."""
    relations = {r.name: r for r in plan.relations}
    for name in names:
        columns = tuple(p.schema(relations[name]).items())
        relations[name] = replace(relations[name], nodes=(p.Empty(columns),))
    return replace(plan, relations=prune(relations, (plan.spec,)))


def result(relation: p.Relation) -> set[str]:
    """The columns that the output takes from a spec's relation."""
    return set(RESULT | {bound("images")}) & p.schema(relation).keys()


def before(nodes: Sequence[p.Node], wanted: Collection[str]) -> set[str]:
    """The columns that must be there before these nodes, for `wanted` to be there behind them."""
    needed = set(wanted)
    for node in reversed(nodes):
        _slim(node, needed, [])
    return needed


def _users_first(relations: Mapping[str, p.Relation], roots: Iterable[str]) -> list[str]:
    graph: dict[str, list[str]] = {}  # lists: the order of a plan's relations is part of its fingerprint
    stack = sorted(roots)
    while stack:
        name = stack.pop()
        if name not in graph:
            graph[name] = list(relations[name].uses)
            stack.extend(sorted(graph[name]))
    return list(reversed(list(TopologicalSorter(graph).static_order())))


Needs = list[tuple[str, set[str]]]


def _prune(relation: p.Relation, wanted: set[str]) -> tuple[tuple[p.Node, ...], Needs]:
    """The nodes that are needed for `wanted`, walking from the last to the first, and what they need of others."""
    needed = set(wanted)
    kept: list[p.Node] = []
    needs: Needs = []
    for node in reversed(relation.nodes):
        slim = _slim(node, needed, needs)
        if slim is not None:
            kept.append(slim)
    return tuple(reversed(kept)), needs


def _slim(node: p.Node, needed: set[str], needs: Needs) -> p.Node | None:
    """`node` with what is needed of it, or None; `needed` becomes what must be there before it."""
    match node:
        case p.Read() | p.Scan() | p.Empty() | p.Holdout():
            return _slim_leaf(node, needed, needs)
        case p.Filter(_, condition) | p.Check(_, condition):
            needed |= columns(condition)
        case p.Derive(name, expression, checks):
            if name not in needed:
                return None
            needed.discard(name)
            needed |= _all_columns((expression, *(c.condition for c in checks)))
        case p.Select(names):
            return p.Select(tuple(sorted(n for n in names if n in needed)))
        case p.Join():
            return _slim_join(node, needed, needs)
        case p.Group() | p.Merge():
            return _slim_group(node, needed)
        case p.Explode(column, item, _, position):
            needed -= {item, position}
            needed.add(column)
        case p.Unpivot(gone, name, value):
            needed -= {name, value}
            needed |= {*gone}
        case p.Lag(by, order, take):
            take = _taken(take, needed)
            if not take:
                return None
            needed -= {new for new, _, _ in take}
            needed |= {*by} | _all_columns(order) | {column for _, column, _ in take}
            return replace(node, take=take)
        case p.Union(relation):
            needs.append((relation, set(needed)))
        case p.Unique(_, column):
            needed.add(column)
        case p.Contrast():
            return _slim_contrast(node, needed, needs)
        case p.Keep(_, condition):
            needed |= columns(condition) | {"$id"}
        case p.Copy():
            needed |= {"$id", "split"}
        case p.Turns(forms):
            needed -= {"turns", "target", "boxes"}
            needed |= _form_columns(forms) | {"$id"}
    return node


def _slim_leaf(node: p.Read | p.Scan | p.Empty | p.Holdout, needed: set[str], needs: Needs) -> p.Node:
    """What a relation starts from; where no column is needed, one stays for the number of rows."""
    match node:
        case p.Read():
            read = [c for c in node.columns if c.name in needed or _fixed(c, node)]
            return replace(node, columns=tuple(map(_settled, sorted(read, key=lambda c: c.name))) or node.columns[:1])
        case p.Scan(relation, scanned):
            some = _some(scanned, needed)
            needs.append((relation, {name for name, _ in some}))
            return p.Scan(relation, some)
        case p.Empty(named):
            return p.Empty(_some(named, needed))
        case p.Holdout(relation, key):
            needs.append((relation, {key}))
            return node


def _settled(column: p.RawColumn) -> p.RawColumn:
    """A column whose `values` and parts stand in the order of their names."""
    parts = (replace(part, values=tuple(sorted(part.values))) for part in column.each)
    each = tuple(sorted(parts, key=lambda part: part.name))
    return replace(column, values=tuple(sorted(column.values)), each=each)


def _some(columns: p.Columns, needed: set[str]) -> p.Columns:
    return tuple(sorted((c for c in columns if c[0] in needed), key=lambda c: c[0])) or columns[:1]


def _slim_group(node: p.Group | p.Merge, needed: set[str]) -> p.Node:
    """Only the aggregates that are needed; the order of a group too only where one of them asks for it."""
    take = tuple(sorted((a for a in node.take if a.name in needed), key=lambda a: a.name))
    order = node.order
    if isinstance(node, p.Group) and not any(a.function in ("first", "list") for a in take):
        order = ()
    needed.clear()
    needed |= {*node.by} | _all_columns((*order, *(a.argument for a in take if a.argument is not None)))
    if isinstance(node, p.Merge):
        needed.add(node.box)
    return replace(node, order=order, take=take)


def _slim_contrast(node: p.Contrast, needed: set[str], needs: Needs) -> p.Node:
    """Of the pool only what is taken, compared or keyed."""
    take = _taken(node.take, needed)
    needed.discard("$drawn")
    needed |= {*node.own, "$id", "split"}
    needs.append((node.relation, {"split", *node.key, *node.seen} | {theirs for _, theirs, _ in take}))
    return replace(node, take=take)


def _fixed(column: p.RawColumn, read: p.Read) -> bool:
    """Whether a column says which files are read (a captured piece of their path) or which rows are one (the key)."""
    captured = {f"{{{place.path}}}" for place in column.places if place.kind == "name"}
    return column.name in read.key or any(piece in name for piece in captured for name in read.files)


def _slim_join(node: p.Join, needed: set[str], needs: Needs) -> p.Join | None:
    take = _taken(node.take, needed)
    if node.kind == "left" and not take and not node.many:
        return None
    needed -= {new for new, _, _ in take}
    needed |= {mine for mine, _ in node.on}
    needs.append((node.relation, {theirs for _, theirs in node.on} | {theirs for _, theirs, _ in take}))
    return replace(node, on=tuple(sorted(node.on)), take=take)


def _taken(take: Iterable[tuple[str, str, Type]], needed: set[str]) -> tuple[tuple[str, str, Type], ...]:
    """Of (new name, column, type) those that are needed."""
    return tuple(sorted((one for one in take if one[0] in needed), key=lambda one: one[0]))


def _all_columns(expressions: Iterable[Typed]) -> set[str]:
    return {name for e in expressions for name in columns(e)}


def _form_columns(forms: Iterable[p.Form]) -> set[str]:
    """The columns that forms read, their own `let`s left out."""
    read: set[str] = set()
    for form in forms:
        inner = _all_columns(_form_expressions(form))
        read |= inner - {let.name for let in form.let}
    return read


def _form_expressions(form: p.Form) -> Iterable[Typed]:
    for let in form.let:
        yield let.expression
        yield from (c.condition for c in let.checks)
    if form.when is not None:
        yield form.when
    yield from _prompt_expressions(form.prompt)
    match form.answer:
        case p.TextAnswer(text):
            yield text
        case p.ChoiceAnswer(options, correct, hint=hint, empty=empty):
            yield from (options, correct)
            yield from (*_prompt_expressions(hint), *_prompt_expressions(empty))
        case p.BoxesAnswer(boxes, label, empty):
            yield from (boxes,) if label is None else (boxes, label)
            yield from _prompt_expressions(empty)
        case p.PairsAnswer(_, pairs, empty):
            yield pairs
            yield from _prompt_expressions(empty)


def _prompt_expressions(prompt: p.Prompt | None) -> Iterable[Typed]:
    for shape in prompt.shapes if prompt is not None else ():
        yield from (x for x in shape.pieces if not isinstance(x, tuple | p.OptionBlock))
