"""The catalogue: one Markdown page for each source and each spec, from their declarations and plans.

A spec's page says what it reads, its rule in words, its prompts, its split and terms, and, from an output of
`cxrspec run`, one example and the counts beside those of the published table.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from cxrspec.compiler import declarations as d
from cxrspec.compiler import plan as p
from cxrspec.compiler import prompts
from cxrspec.compiler.data import is_list, is_mapping
from cxrspec.compiler.diagnostics import Report
from cxrspec.compiler.pipeline import Compilation, Compiled
from cxrspec.compiler.show import show_expression
from cxrspec.compiler.types import SPLITS
from cxrspec.runtime import manifest, stats
from cxrspec.runtime.emitters import scan
from cxrspec.runtime.stats import COLUMNS, table
from cxrspec.runtime.wording import code, split_in_words, steps_in_words

_PROMPTS = 6
_LONGEST = 1200  # characters of a text in an example


def pages(compilation: Compilation, out: Path) -> dict[str, str]:
    """The text of every page by its path below the catalogue's folder; `out` is an output that examples are taken from.

    Raises:
        OutputError: CXR806, `out` is no output, or one of its files does not read.
    """
    made = manifest.read(out)
    specs = {spec.name: spec for spec in made.specs} if made is not None else {}
    emit = made.emit if made is not None else "parquet"
    found = {"README.md": _index(compilation)}
    for source in compilation.sources.values():
        found[f"sources/{source.name}.md"] = _source(source, compilation)
    for spec in compilation.specs.values():
        page = _Page(compilation, spec, specs.get(spec.name), out, emit)
        found[f"{spec.name}.md"] = page.text()
    return found


def write(compilation: Compilation, out: Path, folder: Path) -> int:
    """Write all pages below `folder`, and give their number."""
    made = pages(compilation, out)
    for name, text in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return len(made)


def _index(compilation: Compilation) -> str:
    rows = [
        [f"[{name}]({name}.md)", _title(spec), f"[{spec.spec.source.name}](sources/{spec.spec.source.name}.md)"]
        for name, spec in sorted(compilation.specs.items())
    ]
    sources = [[f"[{name}](sources/{name}.md)", one.title] for name, one in sorted(compilation.sources.items())]
    return _joined(
        "# Catalogue",
        "One page for each spec and each source. Examples and counts are those of a run on made-up data.",
        "## Specs",
        table(["spec", "task", "source"], rows),
        "## Sources",
        table(["source", "title"], sources),
    )


def _title(spec: Compiled) -> str:
    return spec.task.title if spec.task is not None else spec.spec.task.name


# ---- sources


def _source(source: d.Source, compilation: Compilation) -> str:
    read = [one for one in source.tables.values() if isinstance(one, d.ReadTable)]
    derived = [one for one in source.tables.values() if isinstance(one, d.DerivedTable)]
    using = sorted(name for name, one in compilation.specs.items() if one.plan and source.name in one.plan.sources)
    parts = [
        f"# {source.title}",
        f"`{source.name}`: [{source.homepage}]({source.homepage}). License: {source.licenses}.",
        "Use: " + ", ".join(f"{term.replace('_', ' ')}: {word}" for term, word in source.use) + ".",
        "## Who a row is about",
        _listed(_identity(one) for one in source.identity),
        "## Files",
        f"Below `<data root>/{source.name}`.",
        table(["table", "reader", "files", "key"], [_files(one.read) for one in read]),
    ]
    for one in read:
        columns = [[f"`{c.name}`", f"`{c.type}`".replace("|", "\\|"), _place(c)] for c in one.read.columns]
        parts += [f"### {one.name}", table(["column", "type", "from"], columns)]
    if derived:
        parts.append("## Tables made from them")
    for table_ in derived:
        parts += [f"### {table_.name}", _listed([f"Starts from `{table_.start.name}`.", *steps_in_words(table_.steps)])]
    if source.splits:
        parts += ["## Splits", _listed(f"`{name}`: {split_in_words(one)}" for name, one in source.splits.items())]
    links = [f"[{name}](../{name}.md)" for name in using]
    return _joined(*parts, "## Specs that use it", _listed(links) if links else "None.")


def _identity(one: d.Identity) -> str:
    study = ", ".join(f"`{n.name}`" for n in one.study)
    patient = ", ".join(f"`{n.name}`" for n in one.patient) if one.patient else ""
    who = f"the patient is {patient}, the study {study}" if patient else f"no patient is known, the study is {study}"
    return f"In the space `{one.space}` {who}."


def _files(read: p.Read) -> list[str]:
    packed = f" (or in {', '.join(f'`{name}`' for name in read.packed)})" if read.packed else ""
    name = read.table.partition(".")[2] + (" (optional)" if read.optional else "")
    return [
        name,
        read.format,
        ", ".join(f"`{name}`" for name in read.files) + packed,
        ", ".join(f"`{name}`" for name in read.key) or "none",
    ]


def _place(column: p.RawColumn) -> str:
    if column.constant is not None:
        return f"always `{column.constant}`"
    return " or ".join(
        f"`{place.path}`"
        if place.kind == "name"
        else f"column {place.index}"
        if place.kind == "column"
        else f"{place.kind}()"
        for place in column.places
    ).replace("|", "\\|")


# ---- specs


class _Page:
    """The page of one spec."""

    def __init__(
        self, compilation: Compilation, spec: Compiled, made: manifest.Spec | None, out: Path, emit: str
    ) -> None:
        self.compilation, self.spec, self.made, self.out, self.emit = compilation, spec, made, out, emit
        self.source = compilation.sources[spec.spec.source.name]

    def text(self) -> str:
        spec = self.spec.spec
        about = f"{self.spec.task.about}" if self.spec.task else ""
        return _joined(
            f"# {_title(self.spec)}: {self.source.title}",
            f"`{self.spec.name}`. {about}".strip(),
            "## What it reads",
            self.reads(),
            "## Rule",
            _listed([self.start(), *steps_in_words(spec.steps), *self.rest()]),
            "## Prompts",
            *self.prompts(),
            "## One made-up example",
            self.example(),
            "## Counts",
            self.counts(),
            "## Terms",
            self.terms(),
        )

    def reads(self) -> str:
        if self.spec.plan is None:
            return "It does not compile."
        rows = [
            [f"`{r.table}`", ", ".join(f"`{f}`" for f in r.files), ", ".join(f"`{c.name}`" for c in r.columns)]
            for r in self.spec.plan.reads
        ]
        return table(["table", "files", "columns"], sorted(rows))

    def start(self) -> str:
        """The table whose rows become examples, with a link to how it is made."""
        name = self.spec.spec.start.name
        owner, _, short = f"{self.source.name}.{name}".rpartition(".")
        owner = owner.rpartition(".")[2]
        return f"Starts from [`{owner}.{short}`](../sources/{owner}.md#{short})."

    def rest(self) -> Iterator[str]:
        spec = self.spec.spec
        yield f"The key is {', '.join(code(e) for e in spec.key)}."
        for name, expression in spec.bind:
            yield f"The task's input `{name.name}` is {code(expression)}."
        if spec.leak:
            yield f"The prompt prints what the answer says: {spec.leak}."
        shared = [f"`{i.space}`" for i in self.source.identity if i.space in self.compilation.spaces]
        if shared and not spec.own_split and spec.identity != "none":
            yield f"Rows of the space {' and '.join(shared)} have the split of that space."
        if spec.split is not None:
            stands_apart = f" ({spec.own_split})" if spec.own_split else ""
            yield f"Split `{spec.split.name}`: {split_in_words(self.source.splits[spec.split.name])}{stands_apart}"
        for keep in spec.keep:
            some = f"{keep.rows:,} rows" if keep.rows is not None else f"the share {keep.share:g}"
            yield f"Of the {keep.split} rows for which {code(keep.where)} it keeps {some}, by the lowest draws."

    def prompts(self) -> Iterator[str]:
        task = self.spec.task
        if task is None:
            return
        rules = {**self.compilation.words.rules, **task.rules}
        for form in task.forms:
            resolved = prompts.resolve(form.prompt, rules, Report())
            number = prompts.count(resolved)
            yield f"Form `{form.name}`, {number:,} prompts, among them:"
            step = max(1, number // _PROMPTS)
            yield _listed(_prompt(leaf) for leaf in islice(prompts.texts(resolved), 0, step * _PROMPTS, step))

    def example(self) -> str:
        """The example of the lowest id of the first split that has any; only what was made on made-up data is shown."""
        for split in SPLITS:
            files = [f.path for f in self.made.files if f"/{split}-" in f.path] if self.made else []
            if files:
                first = scan(self.emit, [self.out / path for path in files]).sort("id").head(1).collect()
                return (
                    "```json\n" + json.dumps(_short(first.row(0, named=True)), ensure_ascii=False, indent=1) + "\n```"
                )
        return "None was made."

    def counts(self) -> str:
        published, row = stats.published(), self.spec.spec.published
        theirs = published.get(row.row) if row else None
        ours = _figures(self.made) if self.made else None
        rows = [
            [name, f"{theirs[i]:,}" if theirs else "", f"{ours[i]:,}" if ours else ""] for i, name in enumerate(COLUMNS)
        ]
        told = [table(["", "published", "this run"], rows)]
        if row is not None:
            told.append(f"Why the published row may differ: {row.because}.")
        if row is not None and not row.rebuilds:
            told.append("A published run does not rebuild it.")
        return "\n\n".join(told)

    def terms(self) -> str:
        if self.made is None:
            return "None known."
        return ", ".join(f"{term.replace('_', ' ')}: {word}" for term, word in sorted(self.made.terms.items())) + "."


def _figures(made: manifest.Spec) -> list[int]:
    """Rows, images and studies by split, in the order of the published table's columns."""
    counts = [made.splits[split] for split in SPLITS]
    return [c.rows for c in counts] + [c.images for c in counts] + [c.studies for c in counts]


def _prompt(leaf: prompts.Leaf) -> str:
    text = "".join(x if isinstance(x, str) else "{" + show_expression(x.expression) + "}" for x in leaf)
    return text.replace("\n", " ⏎ ")


def _short(value: Any) -> Any:
    """A value with its long texts cut."""
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else value[:_LONGEST] + " …"
    if is_mapping(value):
        return {name: _short(item) for name, item in value.items()}
    return [_short(item) for item in value] if is_list(value) else value


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"
