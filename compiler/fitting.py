"""A first version of a spec, as text: the columns of a table that fit the inputs of a task, by name and type.

view: text | null   for the input   view: text     ->    where: {has_view: view is not null}
image: image        for the input   images: list of image     ->    bind: {images: '[image]'}
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from cxrspec.compiler import declarations as d
from cxrspec.compiler.diagnostics import near
from cxrspec.compiler.drafts import DraftError, listed, quoted
from cxrspec.compiler.flows import Table
from cxrspec.compiler.identity import usable
from cxrspec.compiler.pipeline import Compilation
from cxrspec.compiler.types import BOX, IMAGE, TEXT, LabelsOf, ListOf, Type, fits, is_nullable, present

NEAR = 0.6  # how alike names are that mean the same, from 0 to 1


@dataclass(frozen=True, slots=True)
class Value:
    """An expression that an input may be bound to; `column` is what it reads, if it may be null."""

    expression: str
    name: str
    type: Type
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Fitted:
    """A table with a value for each input; `missing` are inputs for which there is none."""

    table: str
    bound: Mapping[str, Value]
    others: Mapping[str, Sequence[str]]
    missing: Mapping[str, Type]

    @property
    def lacking(self) -> str:
        """What is missing, in words."""
        return ", ".join(f"`{name}` ({type})" for name, type in self.missing.items())


def tables_for(compilation: Compilation, task: d.Task, source: str, bind: Mapping[str, str]) -> list[Fitted]:
    """All tables of a source, with what fits the inputs of a task that are not bound; those that fit best first."""
    names = [name for name in compilation.sources[source].tables if compilation.tables.get(f"{source}.{name}")]
    fitted = [fit(compilation, task, source, name, bind) for name in names]
    return sorted(fitted, key=lambda one: (len(one.missing), -_likeness(one)))


def fit(compilation: Compilation, task: d.Task, source: str, table: str, bind: Mapping[str, str]) -> Fitted:
    """What of a table fits the inputs of a task: by name if a name is near, no value twice where another will do."""
    values = _values(compilation, source, table)
    bound: dict[str, Value] = {}
    others: dict[str, list[str]] = {}
    for name, type in task.inputs:
        if name.name in bind:
            continue
        fitting = [value for value in values if fits(present(value.type), type)]
        fitting.sort(
            key=lambda value: (value.expression in [b.expression for b in bound.values()], -_alike(value, name.name))
        )
        if fitting:
            bound[name.name] = fitting[0]
            sure = _alike(fitting[0], name.name) >= NEAR or len(fitting) == 1
            others[name.name] = [] if sure else [value.expression for value in fitting[1:4]]
    missing = {n.name: type for n, type in task.inputs if n.name not in bound and n.name not in bind}
    return Fitted(table, bound, others, missing)


def _values(compilation: Compilation, source: str, table: str) -> list[Value]:
    """What an input may be bound to: columns, the list of one image or box, labels under a policy, the source's constants."""
    found: list[Value] = []
    for name, type in _table(compilation, source, table).columns.items():
        column = name if is_nullable(type) else None
        if isinstance(present(type), LabelsOf):
            calls = ("positive", "negative")
            found += [Value(f"{call}({name}, strict)", call, ListOf(TEXT), column) for call in calls]
            found.append(Value(f"names({name})", "names", ListOf(TEXT), column))
        else:
            found.append(Value(name, name, type, column))
            alone = present(type) in (BOX, IMAGE)  # the list of one text is hardly what is meant
            found += [Value(f"[{name}]", name, ListOf(present(type)), column)] if alone else []
    for name, (value, _) in compilation.sources[source].constants.items():
        if isinstance(value, tuple) and all(isinstance(item, str) for item in value):
            found.append(Value(name, name, ListOf(TEXT)))
    return found


def _table(compilation: Compilation, source: str, table: str) -> Table:
    """A checked table.

    Raises DraftError if there is none of this name, or if it has errors.
    """
    found = compilation.tables.get(f"{source}.{table}")
    if found is None:
        tables = compilation.sources[source].tables
        raise DraftError(
            f"no table `{table}` of `{source}` that compiles", near(table, tables, f"tables of `{source}`")
        )
    return found


def _alike(value: Value, name: str) -> float:
    """How alike an input and what it may be bound to are, from 0 to 1; a value as it is goes before a list of it."""
    return SequenceMatcher(None, value.name, name).ratio() - (0.05 if value.expression.startswith("[") else 0)


def _likeness(fitted: Fitted) -> float:
    return sum(_alike(value, name) for name, value in fitted.bound.items())


# ---- the text


def draft_spec(
    compilation: Compilation, task: d.Task, source: str, fitted: Fitted, bind: Mapping[str, str], leak: str
) -> str:
    """A spec of a task on a table of a source; `bind` are expressions for inputs, `leak` why a prompt prints its answer.

    Raises DraftError where the table has no key, or the source no split, or an input nothing that fits.
    """
    if fitted.missing:
        help = "`--bind 'NAME=EXPRESSION'` gives a value, as in `--bind 'known=[\"nodule\", \"mass\"]'`"
        raise DraftError(f"nothing in `{source}.{fitted.table}` fits {fitted.lacking}", help)
    table = _table(compilation, source, fitted.table)
    declared = compilation.sources[source]
    identities = usable(declared, table.columns)
    key = _key(table, identities, f"{source}.{fitted.table}")
    loose = [*key, *(value.column for value in fitted.bound.values() if value.column)]
    nullable = [name for name in dict.fromkeys(loose) if is_nullable(table.columns[name])]
    lines = [
        f"# Next: `cxrspec compile --check`, then `cxrspec run --select {task.name}/{source}`.",
        "kind: spec",
        f"task: {task.name}",
        f"source: {source}",
        f"from: {fitted.table}",
    ]
    if nullable:
        lines += ["where:", *(f"  has_{name}: {name} is not null" for name in nullable)]
    lines += [f"key: {listed(key)}", *_bound(task, fitted, bind, table.columns)]
    if not identities:
        lines.append("identity: none                # the table has no columns that say whose its rows are")
    lines += _split(compilation, declared, identities)
    lines += [f"leak: {quoted(leak)}"] if leak else []
    return "\n".join(lines) + "\n"


def _key(table: Table, identities: Sequence[d.Identity], name: str) -> tuple[str, ...]:
    """The columns that name a row: the key of the table, else the study, which must then be of one row."""
    study = tuple(one.name for identity in identities[-1:] for one in identity.study)
    if table.key or study:
        return table.key or study
    raise DraftError(f"`{name}` has no key, by which its rows could be named", "`key:` of the table says it")


def _bound(task: d.Task, fitted: Fitted, bind: Mapping[str, str], columns: Collection[str]) -> list[str]:
    """The inputs that are bound; one that has the column of its name is not."""
    lines: list[str] = []
    for name, _ in task.inputs:
        value = fitted.bound.get(name.name)
        expression = bind.get(name.name, value.expression if value is not None else "")
        if expression != name.name or expression not in columns:
            others = ", ".join(f"`{other}`" for other in fitted.others.get(name.name, ()))
            lines.append(
                f"  {name.name}: {quoted(expression)}" + (f"    # a guess; {others} would fit, too" if others else "")
            )
    return ["bind:", *lines] if lines else []


def _split(compilation: Compilation, source: d.Source, identities: Sequence[d.Identity]) -> list[str]:
    """The split, where the spaces of the rows have none for all their sources."""
    if identities and all(identity.space in compilation.spaces for identity in identities):
        return []
    if not source.splits:
        help = "`splits:` of the source declares them"
        raise DraftError(f"the source `{source.name}` has no split for these rows", help)
    first, *others = source.splits
    listed = f"    # or {', '.join(others)}" if others else ""
    return [f"split: {first}{listed}"]
