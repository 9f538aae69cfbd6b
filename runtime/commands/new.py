"""`cxrspec new source`, `cxrspec new task` and `cxrspec new spec`: first versions of files, which compile."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cxrspec.runtime.commands.options import SpecsFolder
from cxrspec.runtime.commands.shared import complain, read_settings, usage

if TYPE_CHECKING:
    from cxrspec.compiler.diagnostics import Diagnostic
    from cxrspec.compiler.drafts import NewColumn

SCHEMA = Path("cxrspec.schema.json")  # where docs/running.md has `cxrspec schema` write it

new = typer.Typer(help="Write a first version of a file, which compiles.", no_args_is_help=True)


class AnswerFormat(StrEnum):
    """The format of an answer."""

    text = "text"
    choice = "choice"
    choices = "choices"
    boxes = "boxes"
    entities = "entities"
    counts = "counts"


@new.command()
def source(
    name: Annotated[str, typer.Argument(help="Its name, which is that of its folder below the data root.")],
    csv: Annotated[
        Path | None,
        typer.Option("--csv", help="A CSV file, from whose header and first rows columns and types are guessed."),
    ] = None,
    columns: Annotated[str, typer.Option(help="Its columns, as in 'file:text, age:int | null'.")] = "",
    key: Annotated[list[str] | None, typer.Option(help="A column of the key; may be repeated.")] = None,
    patient: Annotated[str, typer.Option(help="The column that says whose a row is.")] = "",
    study: Annotated[str, typer.Option(help="The column that says of which study a row is.")] = "",
    image: Annotated[str, typer.Option(help="The column with the path of a picture.")] = "",
    specs: SpecsFolder = None,
) -> None:
    """Write a source, from the header of a CSV file or from columns that are named."""
    from dataclasses import replace

    from cxrspec.compiler.diagnostics import near
    from cxrspec.compiler.drafts import NAME, DraftError, draft_source
    from cxrspec.runtime.csv_columns import Header, guess_roles, read_header

    if not NAME.fullmatch(name):
        usage(f"`{name}` is no name", "letters, digits and `_`, and no digit first")
    if csv is None and not columns:
        columns = _ask("columns", "file:text, patient:text") or usage("no columns", "`--csv` or `--columns` says them")
    try:
        found = read_header(csv) if csv is not None else Header(_columns(columns), ",", ())
        known = [column.name for column in found.columns]
        for asked in (*(key or ()), *filter(None, (patient, study, image))):
            if asked not in known:
                usage(f"no column `{asked}`", near(asked, known, "columns"))
        roles = guess_roles(found.columns, found.single)
        roles = replace(roles, key=key or roles.key or [_key(known)])
        roles = replace(roles, patient=patient or roles.patient, study=study or roles.study, image=image or roles.image)
        text = draft_source(name, csv.name if csv is not None else f"{name}.csv", found.columns, roles, found.separator)
    except DraftError as error:
        usage(str(error), error.help)
    _write(f"sources/{name}.yaml", text, specs)


@new.command()
def task(
    name: Annotated[str, typer.Argument(help="Its name, as in 'Device Presence'.")],
    answer: Annotated[AnswerFormat | None, typer.Option(help="The format of its answer.")] = None,
    input: Annotated[
        list[str] | None, typer.Option("--input", help="An input, as in 'device: text'; may be repeated.")
    ] = None,
    specs: SpecsFolder = None,
) -> None:
    """Write a task with one form, whose prompts are placeholders."""
    from cxrspec.compiler.declarations import snake
    from cxrspec.compiler.drafts import DraftError, draft_task

    if not snake(name)[:1].isalpha():
        usage(f"`{name}` is no name of a task", "a letter first")
    chosen = answer or _ask("format of the answer", "choice", list(AnswerFormat)) or "choice"
    try:
        text = draft_task(name, str(chosen), [(c.name, c.type) for one in input or () for c in _columns(one)])
    except DraftError as error:
        usage(str(error), error.help)
    _write(f"tasks/{snake(name)}/task.yaml", text, specs)


@new.command()
def spec(
    task: Annotated[str, typer.Argument(help="A task, by its name in snake case.")],
    source: Annotated[str, typer.Argument(help="A source, by its name.")],
    table: Annotated[
        str, typer.Option("--from", help="The table whose rows become examples.", show_default="the one that fits")
    ] = "",
    bind: Annotated[
        list[str] | None, typer.Option(help='A value of an input, as in \'views=["PA", "AP"]\'; may be repeated.')
    ] = None,
    leak: Annotated[str, typer.Option(help="Why a prompt prints what its answer says.")] = "",
    specs: SpecsFolder = None,
) -> None:
    """Write a spec that binds the inputs of a task to the columns of a source that fit."""
    from cxrspec.compiler.diagnostics import near
    from cxrspec.compiler.drafts import DraftError
    from cxrspec.compiler.fitting import draft_spec, fit, tables_for
    from cxrspec.runtime.project import load

    compilation = load(read_settings(specs, None, None, None).specs)
    if task not in compilation.tasks:
        usage(f"unknown task `{task}`", near(task, compilation.tasks, "tasks"))
    if source not in compilation.sources:
        usage(f"unknown source `{source}`", near(source, compilation.sources, "sources"))
    if f"{task}/{source}" in compilation.specs:
        usage(f"the spec `{task}/{source}` is there already: {compilation.specs[f'{task}/{source}'].file}")
    declared = compilation.tasks[task]
    bound = _bound(bind or (), [name.name for name, _ in declared.inputs])
    try:
        fitted = tables_for(compilation, declared, source, bound)
        whole = [one.table for one in fitted if not one.missing]
        if not (table or whole or sys.stdin.isatty()):
            lacking = "; ".join(f"`{one.table}` lacks {one.lacking}" for one in fitted[:3])
            usage(f"no table of `{source}` has all that `{task}` asks for", f"{lacking}. `--bind` gives values")
        chosen = fit(compilation, declared, source, table or _table(whole or [one.table for one in fitted]), bound)
        bound |= {n: said for n, type in chosen.missing.items() if (said := _ask(f"value of {n}, {type}", ""))}
        text = draft_spec(
            compilation, declared, source, fit(compilation, declared, source, chosen.table, bound), bound, leak
        )
    except DraftError as error:
        usage(str(error), error.help)
    _write(f"tasks/{task}/{source}.yaml", text, specs)


def _columns(text: str) -> list[NewColumn]:
    """`name: type`, several with commas between, but for those inside of parentheses."""
    import re

    from cxrspec.compiler.drafts import NAME, DraftError, NewColumn, read_type

    found: list[NewColumn] = []
    for part in re.split(r",(?![^(]*\))", text):
        name, colon, type = (piece.strip() for piece in part.partition(":"))
        if not NAME.fullmatch(name) or not colon:
            raise DraftError(f"`{part.strip()}` does not read `name: type`")
        read_type(type)
        found.append(NewColumn(name, type, name))
    return found


def _bound(bind: Sequence[str], inputs: Sequence[str]) -> dict[str, str]:
    """`name=expression`, by name."""
    from cxrspec.compiler.diagnostics import near

    found: dict[str, str] = {}
    for one in bind:
        name, equals, expression = (piece.strip() for piece in one.partition("="))
        if not equals or not expression:
            usage(f"`--bind {one}` does not read `name=expression`")
        if name not in inputs:
            usage(f"the task has no input `{name}`", near(name, inputs, "inputs"))
        found[name] = expression
    return found


def _key(columns: Sequence[str]) -> str:
    """The key where it cannot be guessed: asked for, else wrong usage."""
    known = ", ".join(f"`{name}`" for name in columns)
    return _ask("column that names a row", columns[0], columns) or usage("no key", f"`--key` names it: {known}")


def _table(tables: Sequence[str]) -> str:
    """The table that fits; of several one is asked for, else that is wrong usage."""
    if len(tables) < 2:
        return "".join(tables)
    listed = ", ".join(f"`{table}`" for table in tables)
    return _ask("table", tables[0], tables) or usage("several tables fit", f"`--from` names one of {listed}")


def _ask(what: str, default: str, choices: Sequence[str] = ()) -> str:
    """An answer typed on a terminal; empty where there is none."""
    if not sys.stdin.isatty():
        return ""
    while True:
        question = f"{what} ({', '.join(choices)})" if choices else what
        answer = str(typer.prompt(question, default=default, err=True))
        if not choices or answer in choices:
            return answer


def _write(place: str, text: str, specs: Path | None) -> None:
    """Write a file below the local specs that compiles with all others; one that is there is left alone."""
    from cxrspec.compiler.catalog import File, overlay, shipped
    from cxrspec.compiler.pipeline import compile
    from cxrspec.runtime.memo import user_memo
    from cxrspec.runtime.project import local_files

    folder = read_settings(specs, None, None, None).specs
    path = folder / place
    if SCHEMA.is_file():
        text = f"# yaml-language-server: $schema={os.path.relpath(SCHEMA, path.parent)}\n{text}"
    if path.exists():
        usage(f"`{path}` is there already")
    local = [*local_files(folder), File(path.as_posix(), place, text)]
    compilation = compile(overlay(shipped(), local), memo=user_memo())
    found = [one for one in compilation.diagnostics if _is_about(one, path.as_posix())]
    if found:
        complain(found, compilation.texts)
        usage(f"`{path}` is not written, for it would have these findings")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    print(f"written to {path}")


def _is_about(found: Diagnostic, file: str) -> bool:
    """Whether a finding is about a file: one elsewhere may be for it where it is an error."""
    from cxrspec.compiler.diagnostics import Label

    labels = (found.label, *found.others) if found.severity == "error" else (found.label,)
    return any(isinstance(label, Label) and label.span.file == file for label in labels)
