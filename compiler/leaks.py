"""LEAK: whether a prompt, or an earlier turn of a dialogue, prints what its answer says.

The values of an answer are followed back to the columns of the files, and so are those of the slots of its prompt:

    prompt {context}   <- context  <- radqa.questions.context
    answer answer      <- answer   <- radqa.questions.answer, a part of `context`          leak

Only what is printed counts: a condition decides, it prints nothing, and the block of options is there to hold the
answer. Each section of a report is a piece of its own. A text that is proved to hold another (`contains`) prints it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from cxrspec.compiler import declarations as d
from cxrspec.compiler import plan as p
from cxrspec.compiler.diagnostics import Label, Report, Severity, Span, leave_out
from cxrspec.compiler.flows import Table
from cxrspec.compiler.forms import Said, Spoken, bound
from cxrspec.compiler.specs import Checked
from cxrspec.compiler.typed import Apply, Branch, Build, Column, Const, Draw, Get, It, Map, Typed
from cxrspec.compiler.types import BOOL, IMAGE, present

Way: TypeAlias = tuple[str, ...]
"""The names that a value had on its way, that of the file's column first."""


@dataclass(frozen=True, slots=True)
class Atom:
    """What is not taken apart any more: a column of a file, or named pieces of its text (none: all of it)."""

    column: str
    pieces: frozenset[str] = frozenset()

    def meets(self, other: Atom) -> bool:
        """Whether the two have anything in common."""
        apart = self.pieces and other.pieces and not self.pieces & other.pieces
        return self.column == other.column and not apart


@dataclass(frozen=True, slots=True)
class Value:
    """What a value is made of. A list is what its items are; a record keeps its fields apart.

    `proofs` pairs (a text, what stands in it), which hold where the value, a condition, is true.
    """

    atoms: Mapping[Atom, Way] = field(default_factory=dict[Atom, Way])
    fields: Mapping[str, Value] = field(default_factory=dict[str, "Value"])
    proofs: tuple[tuple[Value, Value], ...] = ()

    def all(self) -> Mapping[Atom, Way]:
        """The atoms of the value and all its fields."""
        found = dict(self.atoms)
        for inner in self.fields.values():
            found = {**inner.all(), **found}
        return found

    def meets(self, other: Value) -> bool:
        """Whether the two have an atom in common."""
        return any(a.meets(b) for a in self.all() for b in other.all())

    def called(self, name: str) -> Value:
        """The same value under a name of its own."""
        atoms = {atom: way if way[-1:] == (name,) else (*way, name) for atom, way in self.atoms.items()}
        return replace(self, atoms=atoms, fields={n: inner.called(name) for n, inner in self.fields.items()})

    def under(self, proofs: Iterable[tuple[Value, Value]]) -> Value:
        """The value where these proofs hold: a text that holds another is made of that, too."""
        held = [part.all() for whole, part in proofs if self.meets(whole)]
        found = [Value({atom: (*way, HELD) for atom, way in atoms.items()}) for atoms in held]
        return together((self, *found)) if found else self


HELD = "what a `contains` proves to hold it"

Values: TypeAlias = Mapping[str, Value]
NOTHING = Value()


def together(values: Iterable[Value]) -> Value:
    """What is made of all of these."""
    atoms: dict[Atom, Way] = {}
    fields: dict[str, list[Value]] = {}
    for value in values:
        atoms = {**value.atoms, **atoms}
        for name, inner in value.fields.items():
            fields.setdefault(name, []).append(inner)
    return Value(atoms, {name: together(inner) for name, inner in fields.items()})


# ---- expressions


def value(e: Typed, known: Values, it: Value = NOTHING) -> Value:
    """What an expression prints. `known` are the columns, `it` is the item at hand."""
    match e:
        case Column(name):
            return known.get(name, NOTHING)
        case It():
            return it
        case Const():
            return NOTHING
        case Branch(condition, then, otherwise):
            proofs = value(condition, known, it).proofs
            return together((value(then, known, it).under(proofs), value(otherwise, known, it)))
        case Map("each", items, body):
            return value(body, known, value(items, known, it))
        case Map(_, items, _):
            return value(items, known, it)
        case Build(fields):
            return Value(fields={name: value(inner, known, it) for name, inner in fields})
        case Get(operand, name):
            whole = value(operand, known, it)
            return whole.fields.get(name, Value(whole.atoms))
        case Apply() | Draw() if present(e.type) == BOOL:
            return Value(proofs=tuple(_proofs(e, known, it)))
        case Apply("section", (text, headings)) if isinstance(headings, Const) and isinstance(headings.value, tuple):
            return _pieces(value(text, known, it), frozenset(map(str, headings.value)))
        case Apply(_, arguments) | Draw(_, arguments):
            return together(value(argument, known, it) for argument in arguments)


def _pieces(text: Value, names: frozenset[str]) -> Value:
    """Only some pieces of a text that was whole."""
    return Value({atom if atom.pieces else replace(atom, pieces=names): way for atom, way in text.atoms.items()})


def _proofs(condition: Typed, known: Values, it: Value) -> Iterator[tuple[Value, Value]]:
    """What stands in what, once a condition holds."""
    match condition:
        case Apply("contains", (text, piece)):
            yield value(text, known, it), value(piece, known, it)
        case Apply("and", arguments):
            for argument in arguments:
                yield from value(argument, known, it).proofs
        case _:
            pass


# ---- relations


class Ways:
    """What the columns of relations are made of, each looked at once; those of the sources first."""

    def __init__(
        self,
        tables: Mapping[str, Table | None],
        relations: Mapping[str, p.Relation],
        sources: Mapping[str, d.Source],
    ) -> None:
        self.relations = {**{name: table.relation for name, table in tables.items() if table}, **relations}
        self.sources = sources
        self.known: dict[str, Values] = {}
        for name in self.relations:
            self.of(name)

    def of(self, name: str) -> Values:
        """The columns of the relation of this name; none of one in which something is wrong."""
        if name not in self.known:
            relation = self.relations.get(name)
            self.known[name] = self.along(relation) if relation is not None else {}
        return self.known[name]

    def along(self, relation: p.Relation) -> Values:
        """The columns behind the last node of a relation."""
        columns: Values = {}
        for node in relation.nodes:
            columns = self.after(node, columns)
        return columns

    def beside(self, relations: Mapping[str, p.Relation]) -> Ways:
        """These and more relations; nothing changes here."""
        more = copy(self)
        more.relations = {**self.relations, **relations}
        more.known = dict(self.known)
        return more

    def after(self, node: p.Node, columns: Values) -> Values:
        """The columns after a node, given those before it."""
        match node:
            case p.Read():
                return {c.name: self.read(c.name, node.table) for c in node.columns}
            case p.Scan(scanned, names):
                return {name: self.of(scanned).get(name, NOTHING) for name, _ in names}
            case p.Derive(name, expression):
                made = value(expression, columns)
                return {**columns, name: made.called(_shown(name)) if _shown(name) else made}
            case p.Filter(_, condition):
                proofs = value(condition, columns).proofs
                return {name: column.under(proofs) for name, column in columns.items()} if proofs else columns
            case p.Join(other, _, take):
                return {**columns, **{new: self.of(other).get(theirs, NOTHING) for new, theirs, _ in take}}
            case p.Contrast(other, take=take):
                pool = self.of(other)
                both = {
                    new: together((columns.get(new, NOTHING), pool.get(theirs, NOTHING))) for new, theirs, _ in take
                }
                return {**columns, **both}
            case p.Union(other):
                rows = self.of(other)
                return {name: together((column, rows.get(name, NOTHING))) for name, column in columns.items()}
            case p.Group(by, _, take) | p.Merge(by, take=take):
                kept = {
                    name: columns.get(name, NOTHING)
                    for name in (*by, *((node.box,) if isinstance(node, p.Merge) else ()))
                }
                taken = {a.name: value(a.argument, columns).called(a.name) for a in take if a.argument is not None}
                return {**kept, **taken}
            case p.Explode(column, item):
                return {**columns, item: columns.get(column, NOTHING)}
            case p.Unpivot(gone, _, new):
                return {**columns, new: together(columns.get(name, NOTHING) for name in gone).called(new)}
            case p.Lag(_, _, take):
                return {**columns, **{new: columns.get(column, NOTHING) for new, column, _ in take}}
            case _:
                return columns

    def read(self, column: str, table: str) -> Value:
        """A column of a file; of what its texts were cut from, a piece."""
        source, _, name = table.partition(".")
        declared = self.sources[source].tables[name]
        atoms: dict[Atom, Way] = {Atom(f"{table}.{column}"): (f"{table}.{column}",)}
        if isinstance(declared, d.ReadTable) and column in declared.part_of:
            whole = declared.part_of[column].name
            piece = Atom(f"{table}.{whole}", frozenset((column,)))
            atoms[piece] = (f"{table}.{column}, a part of `{whole}`",)
        return Value(atoms)


def _shown(column: str) -> str:
    """The name that a column of the plan was given by its author; empty for one that the compiler made."""
    return column.rpartition(".")[2] if column.startswith(("$in.", "$let.")) else column.partition("$")[0]


# ---- prompts and answers


@dataclass(frozen=True, slots=True)
class Leak:
    """A slot prints what the answer of a form says: by which ways, the file's column first.

    `earlier` is the form of the turn before that prints it, in a dialogue; empty where the form's own prompt does.
    `common` are the pieces of the column that both have, where neither has all of it.
    """

    form: str
    earlier: str
    slot: Said
    answer: Said
    printed: Way
    answered: Way
    common: frozenset[str]


Printed: TypeAlias = tuple[Said, Mapping[Atom, Way]]
"""What stands in a turn, and what it is made of."""


def leaks(spoken: Iterable[Spoken], inputs: Values, dialogue: bool) -> Iterator[Leak]:
    """The leaks of a task whose inputs (`bound(name)`) are these; one for each slot at most.

    In a dialogue all that earlier turns say stands before an answer.
    """
    before: list[tuple[str, Printed]] = []
    for form in spoken:
        known = dict(inputs)
        for let in form.let:
            known[let.name] = value(let.expression, known).called(_shown(let.name))
        answers: list[Printed] = [(said, value(said.expression, known).all()) for said in form.answers]
        slots = [slot for slot in form.slots if present(slot.expression.type) != IMAGE]
        prompt: list[Printed] = [(slot, value(slot.expression, known).all()) for slot in slots]
        if dialogue and form.count > 1:
            before += [(form.form, one) for one in answers]
        for earlier, (slot, printed) in (*before, *(("", one) for one in prompt)):
            found = (
                Leak(form.form, earlier, slot, said, printed[a], answered[b], a.pieces & b.pieces)
                for said, answered in answers
                for a in printed
                for b in answered
                if a.meets(b)
            )
            yield from list(found)[:1]
        if dialogue:
            before += [(form.form, one) for one in (*prompt, *answers)]


# ---- findings


def check_leaks(spec: d.Spec, checked: Checked, ways: Ways, published: bool, report: Report) -> None:
    """A finding for each slot of a spec that prints what its answer says, and for a `leak:` that says nothing.

    A published run rebuilds rows as they were made: there a leak is a warning.
    """
    columns = ways.beside(checked.lookups).along(checked.relation)
    found = list(leaks(checked.spoken, columns, checked.task.dialogue))
    if spec.leak and not (found or published or report.errors):
        message = "`leak` where no prompt prints what the answer says"
        report.error("CXR521", spec.leak_span, message, help="leave `leak` out", fix=leave_out(spec.entries, "leak"))
    for leak in found if not spec.leak else ():
        _spec_leaks(leak, spec, checked.task, published, report)


def check_leaks_alone(task: d.Task, spoken: Iterable[Spoken], report: Report) -> None:
    """The same for a task that no spec fills yet, whose inputs are taken to have nothing in common."""
    inputs = {bound(name.name): Value({Atom(name.name): (name.name,)}) for name, _ in task.inputs}
    for leak in leaks(spoken, inputs, task.dialogue):
        _leaks(leak, leak.slot.span, "", "error", report)


def _spec_leaks(leak: Leak, spec: d.Spec, task: d.Task, published: bool, report: Report) -> None:
    """The finding is at the slot where one input is printed and answered, else where the spec gives two inputs one value."""
    inputs = {name.name: name.span for name, _ in task.inputs}
    printed, answered = (
        next((name for name in reversed(way) if name in inputs), "") for way in (leak.printed, leak.answered)
    )
    given = {name.name: expression.span for name, expression in spec.bind}
    told = inputs if isinstance(spec.task, d.Task) else {}
    places = [given.get(printed), given.get(answered), told.get(printed)]
    place = leak.slot.span if printed == answered else next((p for p in places if p), spec.span)
    names = [name for name in (printed, answered) if place in (given.get(name), told.get(name))]
    label = f"the value of `{names[0]}`" if names else ""
    _leaks(leak, place, label, "warning" if published else "error", report)


def _leaks(leak: Leak, place: Span | None, label: str, severity: Severity, report: Report) -> None:
    labels = ((leak.slot.span, "printed here"), (leak.answer.span, "the answer"))
    report.add(
        severity,
        "CXR520",
        place,
        f"`{leak.earlier}`, earlier in the dialogue, says what `{leak.form}` answers"
        if leak.earlier
        else f"the prompt of `{leak.form}` prints what its answer says",
        label=label,
        others=[Label(span, text) for span, text in labels if span is not None and span != place],
        help=(
            f"printed: {_shown_way(leak.printed)}",
            f"answered: {_shown_way(leak.answered)}",
            "in common: " + ", ".join(f"`{name}`" for name in sorted(leak.common)) if leak.common else "",
            "another value, or `leak: <why>` in the spec where the answer is to be found in the prompt",
        ),
    )


def _shown_way(way: Way) -> str:
    return " -> ".join(name if " " in name else f"`{name}`" for name in way)
