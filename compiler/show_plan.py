"""Plans as numbered text, for people and golden files: a line a node, typed columns, expressions in the language."""

from __future__ import annotations

from cxrspec.compiler import plan as p
from cxrspec.compiler.typed import Apply, Branch, Build, Column, Const, Draw, Get, It, Map, Typed, Value
from cxrspec.compiler.types import LabelsOf

INFIX = frozenset(("and", "or", "==", "!=", "<", "<=", ">", ">=", "in", "??", "+", "-", "*", "/", "%"))


def show_plan(plan: p.Plan) -> str:
    """The text of a plan: its relations in order of need, each node numbered."""
    lines: list[str] = []
    number = 0
    for relation in plan.relations:
        lines.append(f"{relation.name}:")
        columns: p.Columns = ()
        for node in relation.nodes:
            lines.append(f"  r{number} := {show_node(node)}")
            number += 1
        columns = tuple(p.schema(relation).items())
        lines.append(f"     -> {_columns(columns)}")
        lines.append("")
    lines += [f"expect {split}: {least} to {most}" for split, least, most in plan.expect]
    return "\n".join(lines).rstrip() + "\n"


def _columns(columns: p.Columns) -> str:
    return ", ".join(f"{name} {type}" for name, type in columns)


def show_node(node: p.Node) -> str:
    """One node on one line; the forms of turns stand below theirs."""
    match node:
        case p.Read():
            return _read(node)
        case p.Scan(relation):
            return f"scan {relation}"
        case p.Holdout(relation, key, _, cut):
            return f"holdout of {key} in {relation}: {_cut(cut)}"
        case p.Empty():
            return "no rows"
        case p.Filter(name, condition):
            return f"filter {name}: {show_typed(condition)}"
        case p.Check(name, condition):
            return f"check {name}: {show_typed(condition)}"
        case p.Derive(name, expression, checks):
            return f"derive {name} = {show_typed(expression)}" + "".join(
                f"\n       check {c.name}: {show_typed(c.condition)}" for c in checks
            )
        case p.Select(columns):
            return f"select {', '.join(columns)}"
        case p.Join():
            return _join(node)
        case p.Group():
            return _group(node)
        case p.Merge():
            return _merge(node)
        case p.Explode(column, item, _, position):
            return f"explode {column} as {item}" + (f", position {position}" if position else "")
        case p.Union(relation):
            return f"union {relation}"
        case p.Unpivot(columns, name, value):
            return f"unpivot {', '.join(columns)} as {name}, {value}"
        case p.Lag():
            return _lag(node)
        case p.Unique(name, column):
            return f"unique {name}: {column}"
        case p.Contrast(relation, site=site, take=take):
            taken = ", ".join(new if new == theirs else f"{new} = {theirs}" for new, theirs, _ in take)
            return f"contrast {relation} at {site}: not {show_typed(node.lacks)} take {taken}"
        case p.Keep(name, condition, rows):
            return f"keep {name}: {rows:,} rows of {show_typed(condition)}"
        case p.Copy(pairs):
            return "copy " + ", ".join(f"{other} as {split}" for split, other in pairs)
        case p.Turns(forms, dialogue):
            return ("dialogue" if dialogue else "turns") + "".join(f"\n{_form(form)}" for form in forms)


def _read(read: p.Read) -> str:
    where = " or ".join(read.files) + (f" in {' or '.join(read.packed)}" if read.packed else "")
    rows = f", rows {read.rows}" if read.rows else ""
    key = f", key [{', '.join(read.key)}]" if read.key else ""
    return (
        f"read {read.format} {where}{rows}{key}"
        + (" (optional)" if read.optional else "")
        + (" (generated)" if read.generated else "")
    )


def _cut(cut: p.Cut) -> str:
    held = cut.held if isinstance(cut.held, str) else f"({_cut(cut.held)})"
    return f"{cut.share:g} by seed {cut.seed} -> {held}, else {cut.kept}"


def _join(join: p.Join) -> str:
    on = ", ".join(a if a == b else f"{a} = {b}" for a, b in join.on)
    take = ", ".join(new if new == theirs else f"{new} = {theirs}" for new, theirs, _ in join.take)
    return f"join {join.kind} {join.relation} on {on or 'nothing'}" + (f" take {take}" if take else "")


def _group(group: p.Group) -> str:
    order = f" order {', '.join(show_typed(e) for e in group.order)}" if group.order else ""
    return f"group by {', '.join(group.by) or 'nothing'}{order} take {_aggregates(group.take)}"


def _merge(merge: p.Merge) -> str:
    by, order = ", ".join(merge.by), ", ".join(show_typed(e) for e in merge.order)
    take = f" take {_aggregates(merge.take)}" if merge.take else ""
    return f"merge {merge.box} by {by} over {merge.over:g} order {order}{take}"


def _aggregates(take: tuple[p.Aggregate, ...]) -> str:
    shown = [(a.name, a.function, show_typed(a.argument) if a.argument is not None else "") for a in take]
    return ", ".join(f"{name} = {function}({argument})" for name, function, argument in shown)


def _lag(lag: p.Lag) -> str:
    by, order = ", ".join(lag.by) or "nothing", ", ".join(show_typed(e) for e in lag.order)
    return f"lag by {by} order {order} take {', '.join(f'{new} = {column}' for new, column, _ in lag.take)}" + (
        "" if lag.settled else " (the order is checked)"
    )


def _form(form: p.Form) -> str:
    lines = [f"       form {form.name} x {form.count}"]
    lines += [f"         let {let.name} = {show_typed(let.expression)}" for let in form.let]
    if form.when is not None:
        lines.append(f"         when {show_typed(form.when)}")
    lines.append(f"         prompt, {form.prompt.tickets:,} tickets")
    lines += [f"           {shape.tickets:,}: {_shape(shape)}" for shape in form.prompt.shapes]
    match form.answer:
        case p.TextAnswer(text):
            lines.append(f"         answer text {show_typed(text)}")
        case p.ChoiceAnswer(options, correct, markers, layout, reply, hint, several, empty):
            kind = "choices" if several else "choice"
            style = f"markers {'/'.join(markers)}, {layout}, reply {'/'.join(reply)}"
            lines.append(f"         answer {kind} {show_typed(correct)} of {show_typed(options)} ({style})")
            lines += [*_texts("hint", hint), *_texts("empty", empty)]
        case p.BoxesAnswer(boxes, label, empty):
            named = f" as {show_typed(label)}" if label is not None else ""
            lines += [f"         answer boxes {show_typed(boxes)}{named}", *_texts("empty", empty)]
        case p.PairsAnswer(format, pairs, empty):
            lines += [f"         answer {format} {show_typed(pairs)}", *_texts("empty", empty)]
    return "\n".join(lines)


def _texts(role: str, prompt: p.Prompt | None) -> list[str]:
    """A small grammar inside an answer."""
    return [f"         {role} {_shape(shape)}" for shape in prompt.shapes] if prompt is not None else []


def _shape(shape: p.Shape) -> str:
    pieces: list[str] = []
    for piece in shape.pieces:
        if isinstance(piece, tuple):
            shown = repr(piece[0])[1:-1]
            pieces.append(shown if len(piece) == 1 else f"<{len(piece):,} texts like `{shown}`>")
        else:
            pieces.append("{options}" if isinstance(piece, p.OptionBlock) else "{" + show_typed(piece) + "}")
    return "".join(pieces)


def show_typed(e: Typed) -> str:
    """An expression as the language would write it, brackets around every operator."""
    match e:
        case Column(name):
            return name
        case It():
            return "it"
        case Const(value):
            return _items(value) if isinstance(value, tuple) else _literal(value)
        case Branch(condition, then, otherwise):
            return f"(if {show_typed(condition)} then {show_typed(then)} else {show_typed(otherwise)})"
        case Map(kind, items, body):
            return f"{kind}({show_typed(items)}, {show_typed(body)})"
        case Build(fields, LabelsOf()):
            return f"labels({', '.join(show_typed(v) for _, v in fields)})"
        case Build(fields):
            return f"record({', '.join(f'{n} = {show_typed(v)}' for n, v in fields)})"
        case Get(operand, name):
            return f"{show_typed(operand)}.{name}"
        case Draw(function, arguments, site):
            return f"{function}@{site}({', '.join(map(show_typed, arguments))})"
        case Apply(operator, arguments):
            return _apply(operator, [show_typed(a) for a in arguments])


def _apply(operator: str, parts: list[str]) -> str:
    if operator in INFIX:
        return f"({parts[0]} {operator} {parts[1]})"
    if operator in ("is null", "is not null"):
        return f"({parts[0]} {operator})"
    if operator == "item":
        return f"{parts[0]}[{parts[1]}]"
    if operator == "list":
        return f"[{', '.join(parts)}]"
    return f"{operator}({', '.join(parts)})"


def _items(values: tuple[Value, ...]) -> str:
    return f"[{', '.join(_literal(v) for v in values)}]"


def _literal(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'
    return str(value)
