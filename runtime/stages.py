"""What `cxrspec show` and `cxrspec prompts` print, and the card counts: a spec at every stage, the prompts of a task."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any, cast

from cxrspec.compiler import declarations as d
from cxrspec.compiler import plan as p
from cxrspec.compiler import prompts, syntax
from cxrspec.compiler.diagnostics import Report, Span
from cxrspec.compiler.pipeline import Compilation, Compiled
from cxrspec.compiler.show import show_expression, show_prompt
from cxrspec.compiler.show_plan import show_plan
from cxrspec.compiler.types import Type
from cxrspec.runtime.manifest import Spec

_PLUGIN = re.compile(
    r"\.[\w.-]*/[\w./-]*\.so:"
)  # .lib/python3.11/site-packages/polars_hash/_internal.abi3.so:xxhash64()


def stage_text(compilation: Compilation, spec: Compiled, stage: str) -> str | None:
    """The spec at `stage`; None where a finding stands in the way."""
    match stage:
        case "document":
            import json

            return json.dumps(compilation.parsed[spec.file].value, ensure_ascii=False, indent=1)
        case "syntax":
            return "\n".join(tree(spec.spec))
        case _ if spec.plan is None:
            return None
        case "typed":
            names = [r.name for r in spec.plan.relations]
            return show_plan(p.Plan(spec.name, tuple(compilation.relations[n] for n in names), spec.plan.expect))
        case "plan":
            return show_plan(spec.plan)
        case _:
            return _polars(spec.plan)


def tree(node: object, name: str = "", depth: int = 0) -> Iterator[str]:
    """A declaration as indented text: a node's class, its fields below; expressions and prompts as written."""
    head = "  " * depth + ("- " if name == "-" else f"{name}: " if name else "")
    if isinstance(node, syntax.Expr):
        yield head + show_expression(node)
    elif isinstance(node, syntax.Prompt):
        yield head + show_prompt(node).replace("\n", "\n" + "  " * (depth + 1))
    elif isinstance(node, Type):
        yield f"{head}{node}"
    elif isinstance(node, Span):
        return
    elif is_dataclass(node) and not isinstance(node, type):
        yield head + type(node).__name__
        for field in fields(node):
            if field.repr:  # places and other readings ride along, and are not part of what is written
                yield from tree(getattr(node, field.name), field.name, depth + 1)
    elif isinstance(node, tuple) and node:
        yield head.rstrip()
        for item in cast(tuple[object, ...], node):
            yield from tree(*_named(item), depth + 1)
    elif isinstance(node, dict) and node:
        yield head.rstrip()
        for key, value in cast(dict[str, object], node).items():
            yield from tree(value, key, depth + 1)
    elif node not in (None, (), {}, ""):
        yield f"{head}{node}"


def _named(item: object) -> tuple[object, str]:
    """An item of a list: a pair is printed as `name: value`."""
    match cast(Any, item):
        case (syntax.Name(name) | str(name), value):
            return value, name
        case _:
            return item, "-"


def _polars(plan: p.Plan) -> str:
    """The lazy queries that the plan becomes, as Polars explains them, without the path of its plugin."""
    import polars as pl

    from cxrspec.compiler.bodies import Context
    from cxrspec.compiler.dtypes import dtype_of
    from cxrspec.compiler.to_polars import query, stages

    empty = {r.name: pl.LazyFrame(schema={n: dtype_of(t) for n, t in p.schema(r).items()}) for r in plan.relations}
    lines: list[str] = []
    for relation in plan.relations:
        columns = p.step({}, relation.nodes[0])
        rows = pl.LazyFrame(schema={n: dtype_of(t) for n, t in columns.items()})
        for number, stage in enumerate(stages(relation), 1):
            lazy, _ = query(stage, rows, empty, Context())
            lines += [f"{relation.name}, query {number}:", _PLUGIN.sub(".", lazy.explain(optimized=False)), ""]
            rows = pl.LazyFrame(schema=lazy.drop("$lost").collect_schema())
    return "\n".join(lines).rstrip()


def prompt_counts(compilation: Compilation, specs: Iterable[Spec]) -> list[tuple[str, str, int, int]]:
    """For each form of the tasks of these specs: task, form, how many prompts it has, and how many an example gets."""
    named = [compilation.specs[spec.name].spec.task for spec in specs if spec.name in compilation.specs]
    found = [task if isinstance(task, d.Task) else compilation.tasks[task.name] for task in named]
    tasks = {task.title: task for task in found}
    return [
        (title, form.name, prompts.count(_resolved(compilation, tasks[title], form)), form.count)
        for title in sorted(tasks)
        for form in tasks[title].forms
    ]


def _resolved(compilation: Compilation, task: d.Task, form: d.Form) -> syntax.Prompt:
    return prompts.resolve(form.prompt, {**compilation.words.rules, **task.rules}, Report())


def prompt_lines(compilation: Compilation, task: d.Task, limit: int) -> Iterator[str]:
    """For each form its number of patterns and of prompts, then `limit` prompts from all over its language."""
    for form in task.forms:
        resolved = _resolved(compilation, task, form)
        number = prompts.count(resolved)
        yield f"{form.name}: {_number(prompts.patterns(resolved), 'pattern')}, {_number(number, 'prompt')}" + (
            f", {form.count} drawn for each example" if form.count > 1 else ""
        )
        shown = min(limit, number)
        for place in range(shown):
            leaf = prompts.text_at(resolved, place * number // shown)
            yield "  " + "".join(
                x if isinstance(x, str) else "{" + show_expression(x.expression) + "}" for x in leaf
            ).replace("\n", "\\n")


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"
