"""CHECK, the part about splits: which side a row stands on, by the split of a source or the authority of its space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cxrspec.compiler import declarations as d
from cxrspec.compiler import plan as p
from cxrspec.compiler import syntax as s
from cxrspec.compiler.diagnostics import Label, Report, Span, near, respell
from cxrspec.compiler.flows import Flow
from cxrspec.compiler.identity import identify, ids, usable
from cxrspec.compiler.typed import Apply, Branch, Column, Const, Typed, narrowed
from cxrspec.compiler.types import BOOL, FLOAT, INT, SPLIT, TEXT, Unknown, fits, is_nullable, nullable, present

if TYPE_CHECKING:
    from cxrspec.compiler.declared import Declared
    from cxrspec.compiler.tables import Tables

Id = Literal["patient", "study"]
IDS: tuple[Id, ...] = ("patient", "study")


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that want a split: the relation they start from, the source whose splits are asked, and the identities that
    the flow's `$space`, `$patient` and `$study` are made of."""

    flow: Flow
    start: str
    source: d.Source
    identities: Sequence[d.Identity]


class Splits:
    """Says the split of rows; what is looked up for it, and is not known yet, becomes `relations`."""

    def __init__(self, tables: Tables, declared: Declared) -> None:
        self.tables = tables
        self.report: Report = tables.report
        self.relations: dict[str, p.Relation] = {}
        self.spaces = declared.spaces
        self.unread = "spaces" in declared.lost

    # ---- spaces

    def of_spaces(self) -> frozenset[str]:
        """The spaces whose line holds, each checked once for all specs, which find here what its authority says."""
        sound = [space for space in self.spaces.values() if self.check(space)]
        for space in sound:
            for by in IDS if space.authority is not None else ():
                flow = self.authority(space)
                if flow is not None:
                    self.relation(f"space {space.name} by {by}", _by(flow, by), space.name)
        return frozenset(space.name for space in sound)

    def check(self, space: d.Space) -> bool:
        """Whether what a line says of a space holds."""
        sources = self.tables.sources.values()
        known = {i.space for source in sources for i in source.identity}
        if space.name not in known and not self.tables.spoiled:
            help, fix = near(space.name, known, "spaces"), respell(space.span, space.name, known)
            self.report.error("CXR216", space.span, f"no source is of the space `{space.name}`", help=help, fix=fix)
            return False
        return space.authority is None or self.authority(space) is not None

    def authority(self, space: d.Space) -> Flow | None:
        """The rows of the authority's table with `$patient`, `$study` and `$split`; None after a finding."""
        assert space.authority is not None
        owner, _, name = space.authority.name.partition(".")
        asked = s.Name(name, span=space.authority.span)
        if owner not in self.tables.sources:
            self.tables.unknown_source(owner, asked.span)
            return None
        source = self.tables.sources[owner]
        if name not in source.splits:
            self.tables.unknown_split(asked, source)
            return None
        split = source.splits[name]
        others = (Label(split.span, "declared here"),) if split.span else ()
        identities = [i for i in source.identity if i.space == space.name]
        if not identities:
            message = f"no patient of `{owner}` is of the space `{space.name}`"
            help = near("", (i.space for i in source.identity), f"spaces of `{owner}`")
            self.report.error("CXR422", asked.span, message, help=help)
            return None
        if split.table is None:
            message = f"the split `{space.authority.name}` does not say whose rows it splits"
            help = "an authority is a split with `table:`, a table that has patient and study"
            self.report.error("CXR423", asked.span, message, others=others, help=help)
            return None
        return self.elsewhere(split.table, split, asked, source, identities)

    def in_space(self, rows: Rows, name: str) -> Typed:
        """The split of rows of a space: what the authority says of the patient (of the study, where no patient is
        known), and `otherwise` where it says nothing."""
        space = self.spaces[name]
        match space.otherwise:
            case d.RatioSplit(shares):
                otherwise = drawn(shares, f"space {name}")
            case d.ConstantSplit(word):
                otherwise = Const(word, SPLIT)
        if name not in self.tables.known.sound:
            rows.flow.partial = True
        elif space.authority is not None:
            identities = [i for i in rows.identities if i.space == name]
            told = self.told(rows, identities, f"space {name}", lambda: self.authority(space), name)
            return Apply("??", (told, otherwise), SPLIT)
        return otherwise

    # ---- splits of a source

    def declared(self, source: d.Source) -> None:
        """The tables, columns and splits that the splits of a source name are there, whether a spec uses them or not."""
        for name, split in source.splits.items():
            if split.table is not None:
                self.tables.has_column(split.table, _column(split), source)
            match split:
                case d.ListSplit(lists, key):
                    for _, table in lists:
                        self.tables.has_column(table, key, source)
                case d.RatioSplit(_, out_of) if out_of is not None and out_of.name not in source.splits:
                    self.tables.unknown_split(out_of, source)
                case d.RatioSplit(_, out_of) if out_of is not None and min(circle(name, source)) == name:
                    way = " -> ".join(f"`{one}`" for one in (*circle(name, source), name))
                    self.report.error("CXR420", out_of.span, f"the split `{name}` is made out of itself", help=way)
                case _:
                    pass

    def step(self, step: d.SplitRows, flow: Flow, source: d.Source, table: str) -> None:
        """A column with the split of each row. The rows so far become a relation, whose keys a holdout asks for."""
        visible = (*flow.columns, step.column.name)
        identities = usable(source, flow.columns)
        if step.name.name not in source.splits:
            self.tables.unknown_split(step.name, source)
            flow.broken = True
            return
        if self.tables.clash([step.column], flow, "`as:` names a new column"):
            return
        if not identities:
            names = [n for i in source.identity for n in ids(i)]
            self.no_identity(table, flow, source, names, step.span, "a split is that of a patient, else of a study")
            flow.broken = True
            return
        before = self.relation(f"{table} before split {step.name.name}", flow)
        flow.nodes = [p.Scan(before.name, tuple(flow.columns.items()))]
        identify(flow, identities)
        split = self.by_source(Rows(flow, before.name, source, identities), step.name)
        flow.derive(step.column.name, split, step.column.span, "split")
        flow.add(p.Select(visible))

    def by_source(self, rows: Rows, name: s.Name) -> Typed:
        """The split of rows by a split of their source; null where it says nothing."""
        split = rows.source.splits[name.name]
        table = split.table
        if table is None or self.tables.full(table, rows.source.name) == rows.start:
            return self.of_rows(rows, split, name)
        self.alike(rows, table, name)
        return self.told(
            rows,
            rows.identities,
            f"{rows.start} split {rows.source.name}.{name.name}",
            lambda: self.elsewhere(table, split, name, rows.source, rows.identities),
        )

    def of_rows(self, rows: Rows, split: d.Split, name: s.Name) -> Typed:
        """The split as an expression on these rows; lists and holdouts are joined to them."""
        match split:
            case d.ConstantSplit(word):
                return Const(word, SPLIT)
            case d.ColumnSplit(column):
                return self.column(column, rows.flow)
            case d.RatioSplit(shares, out_of):
                return self.carved(rows, drawn(shares, f"split {name.name}"), out_of, name)
            case d.ListSplit(lists, key):
                return self.listed(rows, lists, key, name)
            case d.HoldoutSplit(cut, key):
                return self.held(rows, cut, key, name)

    def column(self, column: s.Name, flow: Flow) -> Typed:
        """A column of `flow` that holds splits; a finding if it does not."""
        type = self.tables.column(column, flow)
        if type is not None and not fits(type, nullable(SPLIT)):
            self.report.error(
                "CXR418",
                column.span,
                f"`{column.name}` is `{type}`, expected `split`",
                help="`{type: split, values: {...}}` makes it one",
                cause=flow.cause(column.name),
            )
        return Column(column.name, type if type is not None and fits(type, nullable(SPLIT)) else SPLIT)

    def carved(self, rows: Rows, drawn: Typed, out_of: s.Name | None, name: s.Name) -> Typed:
        """What was drawn, for all rows or for those that are train in another split."""
        if out_of is None:
            return drawn
        if out_of.name not in rows.source.splits or circle(name.name, rows.source) != ("",):
            return drawn  # said when the source was checked
        base = self.by_source(rows, out_of)
        rows.flow.derive("$base", base, None, "split")
        column = Column("$base", base.type)
        is_train = Apply("==", (narrowed(column), Const("train", SPLIT)), BOOL)
        return Branch(is_train, drawn, column, base.type)

    def listed(self, rows: Rows, lists: tuple[tuple[str, s.Name], ...], key: s.Name, name: s.Name) -> Typed:
        """A row's split is the list that names its key."""
        if self.tables.column(key, rows.flow) is None:
            return Const("test", SPLIT)
        full = f"{rows.start} split {rows.source.name}.{name.name}"
        flow: Flow | None = None
        for word, listing in lists:
            table = self.tables.find(listing, rows.source.name)
            if table is None:
                rows.flow.partial = True
                return Const("test", SPLIT)
            one = self.tables.scan(table, f"column of `{table.relation.name}`", table.span)
            if self.tables.column(key, one) is None:
                return Const("test", SPLIT)
            one.derive("$split", Const(word, SPLIT), None, "split")
            one.add(p.Select((key.name, "$split")))
            if flow is None:
                flow = one
            else:
                below = self.relation(f"{full}: {word}", one)
                flow.add(p.Union(below.name))
        assert flow is not None
        flow.add(p.Group((key.name,), (), (p.Aggregate("$split", "only", Column("$split", SPLIT), SPLIT),)))
        return self.by_key(rows, flow, key, full, name)

    def held(self, rows: Rows, cut: d.Cut, key: s.Name, name: s.Name) -> Typed:
        """A table (key, split) over the keys of the rows' table, computed once at run and joined."""
        type = self.tables.column(key, rows.flow)
        if type is None:
            return Const("test", SPLIT)
        if present(type) not in (TEXT, INT) and not isinstance(type, Unknown):
            self.report.error(
                "CXR419",
                key.span,
                f"a holdout sorts its keys; `{key.name}` is `{type}`",
                help="the key of a holdout is text or int",
                cause=rows.flow.cause(key.name),
            )
        leaf = p.Holdout(rows.start, key.name, present(type), _cut(cut))
        flow = Flow("column of a holdout", [leaf], p.step({}, leaf), {}, (key.name,))
        flow.derive("$split", Column("split", SPLIT), None, "split")
        return self.by_key(rows, flow, key, f"{rows.start} split {rows.source.name}.{name.name}", name)

    # ---- looking it up

    def elsewhere(
        self, table: s.Name, split: d.Split, name: s.Name, source: d.Source, identities: Sequence[d.Identity]
    ) -> Flow | None:
        """The rows of another table with `$patient`, `$study` and `$split`; None after a finding."""
        found = self.tables.find(table, source.name)
        if found is None:
            return None
        flow = self.tables.scan(found, f"column of `{found.relation.name}`", found.span)
        by = [n for i in identities for n in i.patient or i.study]
        if any(n.name not in flow.columns for n in by):
            help = "the split of another table is found by patient, else by study"
            self.no_identity(found.relation.name, flow, source, by, table.span, help)
            return None
        identify(flow, identities)
        rows = Rows(flow, found.relation.name, source, identities)
        flow.derive("$split", self.of_rows(rows, split, name), None, "split")
        return None if flow.partial else flow

    def alike(self, rows: Rows, table: s.Name, name: s.Name) -> None:
        """A finding for each id that these rows and those of another table of the source hold in different types."""
        other = self.tables.find(table, rows.source.name)
        flow = self.tables.scan(other, f"column of `{other.relation.name}`", other.span) if other is not None else None
        for identity in rows.identities:
            for one in identity.patient or identity.study:
                if flow is not None and one.name in flow.columns:
                    id = s.Name(one.name, span=name.span)
                    self.tables.comparable(id, rows.flow, id, flow)

    def told(
        self,
        rows: Rows,
        identities: Sequence[d.Identity],
        name: str,
        make: Callable[[], Flow | None],
        space: str = "",
    ) -> Typed:
        """The split that the rows of `make()` tell: by patient, by study where a row has no patient."""
        found: dict[Id, Typed] = {}
        for by in _ids(identities, rows):
            relation = self.relations.get(f"{name} by {by}") or self.tables.known.relations.get(f"{name} by {by}")
            if relation is None:
                flow = make()
                if flow is None:
                    rows.flow.partial = True
                    return Const("test", SPLIT)
                relation = self.relation(f"{name} by {by}", _by(flow, by), space)
            column = (f"$split of {space}" if space else "$split") + (" by study" if by == "study" else "")
            take = ((column, "$split", nullable(SPLIT)),)
            rows.flow.add(p.Join(relation.name, ((f"${by}", f"${by}"),), take, "left", relation.name))
            found[by] = Column(column, nullable(SPLIT))
        if not found:  # an identity that is not there, which has been said
            rows.flow.partial = True
            return Const("test", SPLIT)
        if len(found) < 2:
            return next(iter(found.values()))
        unknown = Apply("is null", (Column("$patient", nullable(TEXT)),), BOOL)
        return Branch(unknown, found["study"], found["patient"], nullable(SPLIT))

    def by_key(self, rows: Rows, flow: Flow, key: s.Name, name: str, asked: s.Name) -> Typed:
        """The split that the rows of `flow` tell of their key."""
        one = s.Name(key.name, span=asked.span)
        if not self.tables.comparable(one, rows.flow, one, flow):
            return Const("test", SPLIT)
        relation = self.relation(name, flow)
        take = (("$split", "$split", nullable(SPLIT)),)
        rows.flow.add(p.Join(relation.name, ((key.name, key.name),), take, "left", relation.name))
        return Column("$split", nullable(SPLIT))

    def relation(self, name: str, flow: Flow, space: str = "") -> p.Relation:
        """The relation of this name; the first that is made of it holds, since all are made alike."""
        return self.relations.setdefault(name, p.Relation(name, tuple(flow.nodes), space))

    def no_identity(
        self, table: str, flow: Flow, source: d.Source, names: Sequence[s.Name], span: Span | None, help: str
    ) -> None:
        """A finding: the rows of a table lack some of these ids. What no table has is said once, of the source."""
        missing = {n.name: n for n in names if n.name not in flow.columns}
        if any((source.name, name) in self.tables.known.strange for name in missing):
            return
        listed = ", ".join(f"`{name}`" for name in missing)
        message = f"`{table}` lacks the identity of its rows: {listed}"
        others = [Label(n.span, "the identity is declared here") for n in list(missing.values())[:1] if n.span]
        self.report.error("CXR415", span, message, others=others, help=help)


def circle(name: str, source: d.Source) -> tuple[str, ...]:
    """The splits on the way from a split back to itself by `out_of`; ("",) if the way ends elsewhere."""
    way = [name]
    while True:
        split = source.splits[way[-1]]
        following = split.out_of.name if isinstance(split, d.RatioSplit) and split.out_of else ""
        if following == name:
            return tuple(way)
        if following in way or following not in source.splits:
            return ("",)
        way.append(following)


def _column(split: d.Split) -> s.Name | None:
    """The column of a split's table that it names."""
    match split:
        case d.ColumnSplit(column):
            return column
        case d.ListSplit(_, key) | d.HoldoutSplit(_, key):
            return key
        case d.RatioSplit() | d.ConstantSplit():
            return None


def drawn(shares: tuple[tuple[str, float], ...], site: str) -> Typed:
    """A threshold on the draw of the patient (of the study, where no patient is known): `draw < share`."""
    who = Apply("??", (Column("$patient", nullable(TEXT)), Column("$study", TEXT)), TEXT)
    draw = Apply("draw", (who, Const(site, TEXT)), FLOAT)
    rest: Typed = Const("train", SPLIT)
    threshold, cuts = 0.0, list[tuple[str, float]]()
    for word, share in shares:
        threshold += share
        cuts.append((word, threshold))
    for word, below in reversed(cuts):
        rest = Branch(Apply("<", (draw, Const(below, FLOAT)), BOOL), Const(word, SPLIT), rest, SPLIT)
    return rest


def _ids(identities: Sequence[d.Identity], rows: Rows) -> list[Id]:
    """By which ids the rows of these identities are looked up: the last identity of all need not have its patient."""
    loose = [
        i
        for i in identities
        if not i.patient
        or (i is rows.identities[-1] and any(is_nullable(rows.flow.columns[n.name]) for n in i.patient))
    ]
    found: list[Id] = []
    if any(i.patient for i in identities):
        found.append("patient")
    if loose:
        found.append("study")
    return found


def _by(flow: Flow, by: Id) -> Flow:
    """One row for each patient (or study) that has a split, which must be one."""
    for what, column in ((f"a {by}", f"${by}"), ("a split", "$split")):
        if is_nullable(flow.columns[column]):
            flow.add(p.Filter(what, Apply("is not null", (Column(column, flow.columns[column]),), BOOL)))
    flow.add(p.Group((f"${by}",), (), (p.Aggregate("$split", "only", Column("$split", SPLIT), SPLIT),)))
    return flow


def _cut(cut: d.Cut) -> p.Cut:
    return p.Cut(cut.seed, cut.share, cut.kept, cut.held if isinstance(cut.held, str) else _cut(cut.held))
