"""Rules in words: steps, joins and splits of a declaration as sentences of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cxrspec.compiler import declarations as d
from cxrspec.compiler.show import show_expression
from cxrspec.compiler.syntax import Expr, Name


def code(expression: Expr) -> str:
    """An expression as code of Markdown."""
    text = show_expression(expression)
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _names(names: Iterable[Name]) -> str:
    return ", ".join(f"`{name.name}`" for name in names) or "nothing"


def _pairs(pairs: Iterable[tuple[Name, Name]]) -> str:
    return ", ".join(f"`{a.name}`" if a.name == b.name else f"`{a.name}` (their `{b.name}`)" for a, b in pairs)


def steps_in_words(steps: Sequence[d.Step]) -> Iterator[str]:
    """A sentence for each step, or for each condition and column of it."""
    for step in steps:
        yield from _step(step)


def _step(step: d.Step) -> Iterator[str]:
    match step:
        case d.Where(conditions):
            for filter, condition in conditions:
                named = "" if filter == "where" else f" ({filter.replace('_', ' ')})"
                yield f"Keeps rows for which {code(condition)}{named}."
        case d.Derive(made):
            for name, expression in made:
                yield f"`{name.name}` is {code(expression)}."
        case d.Select(names):
            yield f"Keeps the columns {_names(names)}."
        case d.Join(table, on, take, kind):
            yield _join(table.name, on, take, kind)
        case d.Group(by, order, aggregates):
            yield _group(by, order, aggregates)
        case d.Merge(by, box, over, order, aggregates):
            whose = f"of one {_names(by)} that overlap by more than {over:g}"
            yield f"Boxes `{box.name}` {whose} become one, the first leads: {_group(by, order, aggregates)}"
        case d.Explode(column, item, position):
            counted = f", with its place as `{position.name}`" if position else ""
            yield f"One row for each item of `{column.name}`, as `{item.name}`{counted}."
        case d.Union(other):
            yield f"Then the rows of `{other.name}`."
        case d.Unpivot(unpivoted, name, value):
            each = _names(unpivoted) if isinstance(unpivoted, tuple) else f"`{unpivoted.name}`"
            yield f"One row for each of the columns {each}: its name as `{name.name}`, its value as `{value.name}`."
        case d.Lag(by, order, earlier):
            whose = f" with the same {_names(by)}" if by else ""
            ordered = ", ".join(code(e) for e in order)
            yield f"Takes {_pairs(earlier)} from the row before{whose}, in order of {ordered}; null where there is none."
        case d.Contrast(pool, lacks, drawn, made, mark, origin):
            own = "".join(f", `{name.name}` as {code(e)}" for name, e in made)
            yield (
                f"Below each row one that is drawn from `{pool.name}`, of the same split, for which not {code(lacks)}: "
                f"with its {_pairs(drawn)}{own}, and in `{mark.name}` the `{origin.name}` it was drawn for."
            )
        case d.SplitRows(name, column):
            yield f"`{column.name}` is the split `{name.name}` of the row."


def _join(
    table: str, on: Sequence[tuple[Name, Name]], take: Sequence[tuple[Name, Name]] | None, kind: d.JoinKind
) -> str:
    where = f" with the same {_pairs(on)}" if on else ""
    match kind:
        case "semi":
            return f"Keeps rows for which `{table}` has a row{where}."
        case "anti":
            return f"Keeps rows for which `{table}` has no row{where}."
        case "left":
            return f"Takes {_taken(take)} from the row of `{table}`{where}; null where there is none."
        case "inner":
            return f"Takes {_taken(take)} from the row of `{table}`{where}; rows without one leave."


def _taken(take: Sequence[tuple[Name, Name]] | None) -> str:
    return "all columns" if take is None else _pairs(take) or "nothing"


def _group(by: Sequence[Name], order: Sequence[Expr], take: Sequence[tuple[Name, Expr]]) -> str:
    ordered = f" in the order of {', '.join(code(e) for e in order)}" if order else ""
    made = "; ".join(f"`{name.name}` is {code(e)}" for name, e in take)
    whose = f"One row for each {_names(by)}" if by else "One row of all rows"
    return f"{whose}{ordered}" + (f": {made}." if made else ".")


def split_in_words(split: d.Split) -> str:
    """What a split says of rows."""
    match split:
        case d.ConstantSplit():
            return f"all rows are {split.split}."
        case d.ColumnSplit():
            where = f" of `{split.table.name}`" if split.table else ""
            return f"the column `{split.column.name}`{where}."
        case d.ListSplit():
            lists = ", ".join(f"{word}: `{name.name}`" for word, name in split.lists)
            return f"by the lists that name `{split.key.name}` ({lists})."
        case d.RatioSplit():
            shares = ", ".join(f"{share:g} {word}" for word, share in split.shares)
            carved = f" out of the train rows of `{split.out_of.name}`" if split.out_of else ""
            return f"by a draw of the patient, {shares}{carved}."
        case d.HoldoutSplit():
            return f"a holdout over `{split.key.name}`: {_cut(split.cut)}."


def _cut(cut: d.Cut) -> str:
    held = cut.held if isinstance(cut.held, str) else f"cut again ({_cut(cut.held)})"
    return f"seed {cut.seed}, {cut.share:g} {held}, the rest {cut.kept}"
