"""The command `cxrspec`. Modules that a command does not need are not imported: `--help` and `compile --check` are quick.

Results go to stdout, findings and progress to stderr, except for `compile`, whose result is its findings.
Exit 0: clean; 1: findings; 2: wrong usage, or an error of our own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from cxrspec.compiler.diagnostics import Diagnostic
    from cxrspec.compiler.pipeline import Compilation, Compiled
    from cxrspec.runtime.run import Result
    from cxrspec.runtime.settings import Settings

app = typer.Typer(
    help="Chest X-ray instruction-tuning corpora from declarative task specs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)


class Format(StrEnum):
    """How findings are printed."""

    text = "text"
    concise = "concise"
    json = "json"


class ListFormat(StrEnum):
    """How a list is printed."""

    text = "text"
    json = "json"


class StageName(StrEnum):
    """A tree of the compiler, from text to query."""

    document = "document"
    syntax = "syntax"
    typed = "typed"
    plan = "plan"
    polars = "polars"


SpecsFolder = Annotated[
    Path | None, typer.Option("--specs", help="Folder of local specs, laid over those that ship.", show_default="specs")
]
DataFolder = Annotated[
    Path | None,
    typer.Option("--data", help="Data root: one folder for each source.", show_default="CXRSPEC_DATA, else data"),
]
Seed = Annotated[int | None, typer.Option("--seed", help="Seed of all draws.", show_default="1")]
Published = Annotated[
    bool,
    typer.Option("--published", help="Rebuild the published rows, their defects named, instead of the correct ones."),
]


def main() -> None:
    """Entry point: our own errors become one line and exit 2, never a traceback (its text could hold data)."""
    try:
        app()
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(130)
    except Exception as error:
        from cxrspec.compiler.diagnostics import Diagnostic
        from cxrspec.runtime.output import OutputError

        if isinstance(error, OutputError):
            _complain([error.diagnostic], {})
            sys.exit(1)
        if os.environ.get("CXRSPEC_TRACEBACK"):
            raise
        if isinstance(error, OSError) and error.filename is not None:
            _complain([Diagnostic("CXR809", "error", f"`{error.filename}`: {error.strerror}")], {})
            sys.exit(2)
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
        print(f"error[CXR901]: an error of cxrspec itself: {type(error).__name__}{place}", file=sys.stderr)
        print(
            "  = help: CXRSPEC_TRACEBACK=1 prints the traceback, which may show data; please report it", file=sys.stderr
        )
        sys.exit(2)


@app.command(name="compile")
def compile_(
    specs: Annotated[
        Path | None,
        typer.Argument(help="Folder of local specs, laid over those that ship.", show_default="specs, if there is one"),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only check; write no plans.")] = False,
    format: Annotated[Format, typer.Option(help="How findings are printed.")] = Format.text,
    out: Annotated[Path, typer.Option(help="Where plans are written, as text and JSON.")] = Path("plans"),
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail, too.")] = False,
    published: Published = False,
) -> None:
    """Prove that specs are sound, without any data."""
    from cxrspec.compiler.render import render
    from cxrspec.runtime.project import load

    compilation = load(_settings(specs, None, None, None).specs, published)
    text = render(compilation.diagnostics, compilation.texts, format.value, color=sys.stdout.isatty())
    print(text, end="")
    if not check:
        written = _write_plans(compilation, out)
        print(f"plans of {_specs(written)} written to {out}", file=sys.stderr)
    elif format is Format.text and not compilation.diagnostics:
        print(f"sound: {_specs(len(compilation.specs))}")
    wrong = len(compilation.diagnostics) if strict else compilation.errors
    raise typer.Exit(1 if wrong else 0)


@app.command()
def run(
    specs: SpecsFolder = None,
    data: DataFolder = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the output.", show_default="out")] = None,
    select: Annotated[
        list[str] | None,
        typer.Option("--select", help="Names, globs, task:..., source:..., access:...; may be repeated."),
    ] = None,
    published: Published = False,
    emit: Annotated[str, typer.Option(help="Format of the files: parquet or jsonl.")] = "parquet",
    boxes: Annotated[
        str, typer.Option(help="Dialect of boxes in texts: chexagent, qwen2_vl, qwen3_vl, unit or pixels.")
    ] = "chexagent",
    seed: Seed = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Keep so many examples of each spec: those of the lowest draws.")
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Run on a small made-up data root; nothing is downloaded.")
    ] = False,
    accept_moves: Annotated[
        bool,
        typer.Option(
            "--accept-moves", help="Let examples move to another split where the authority of a space changed."
        ),
    ] = False,
) -> None:
    """Make the corpus."""
    from cxrspec.compiler.diagnostics import near
    from cxrspec.compiler.dialects import DIALECTS
    from cxrspec.runtime import emitters
    from cxrspec.runtime.project import load
    from cxrspec.runtime.project import select as choose
    from cxrspec.runtime.run import Request
    from cxrspec.runtime.run import run as make

    if emit not in emitters.names():
        _usage(f"unknown output format `{emit}`", near(emit, emitters.names(), "formats"))
    if boxes not in DIALECTS:
        _usage(f"unknown dialect of boxes `{boxes}`", near(boxes, DIALECTS, "dialects"))
    settings = _run_settings(specs, data, out, seed, demo)
    compilation = load(settings.specs, published)
    _complain(compilation.diagnostics, compilation.texts)
    chosen, unknown = choose(compilation, select or [])
    for word, hint in unknown:
        _usage(f"`--select {word}` names no spec", hint)
    named = frozenset(select or ()) & compilation.specs.keys()
    with _Progress() as progress:
        request = Request(settings, chosen, named, published, emit, boxes, limit, demo, accept_moves)
        result = make(compilation, request, progress.say)
    _complain(result.diagnostics, compilation.texts)
    _print_made(result, {spec.name for spec in chosen}, settings)
    raise typer.Exit(1 if result.failed or compilation.errors else 0)


def _run_settings(specs: Path | None, data: Path | None, out: Path | None, seed: int | None, demo: bool) -> Settings:
    """The settings of a run; a data root that was named is there, and the demo has its own."""
    from dataclasses import replace

    from cxrspec.runtime.settings import DATA_VARIABLE

    settings = _settings(specs, data, out, seed)
    if demo:
        from cxrspec.runtime.demo import demo_root

        if data is not None:
            _usage("--demo makes its own data root; --data names another")
        return replace(settings, data=demo_root(), out=out or Path("demo"), sources={}, images={})
    named = data is not None or DATA_VARIABLE in os.environ
    if named and not settings.sources and not settings.data.is_dir():
        _usage(f"the data root `{settings.data}` does not exist", "--demo makes one up")
    return settings


def _print_made(result: Result, chosen: Collection[str], settings: Settings) -> None:
    """The examples of each spec that was made; what was skipped or kept goes to stderr."""
    for absent in result.manifest.unavailable:
        print(f"skipped {absent.name}: {absent.reason}", file=sys.stderr)
    for spec in result.manifest.specs:
        if spec.name in result.made:
            counts = " / ".join(f"{spec.splits[split].rows:,}" for split in ("train", "val", "test"))
            print(f"{spec.name}: {counts}")
        elif spec.name in chosen:
            print(f"kept {spec.name} as it was made before", file=sys.stderr)
    if result.made:
        print(f"{_specs(len(result.made))} (train / val / test) in {settings.out}", file=sys.stderr)
    elif not result.failed:
        help = "--data names the data root, --demo makes one up"
        print(f"no data for any spec in {settings.data}; {help}", file=sys.stderr)


@app.command()
def stats(
    out: Annotated[Path, typer.Argument(help="An output of `cxrspec run`.")] = Path("out"),
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            help="Print the differences from a table of figures: a CSV file, or `published` for the one that ships.",
        ),
    ] = None,
) -> None:
    """Print the two tables of the data card, counted from the written files."""
    from cxrspec.runtime import manifest
    from cxrspec.runtime import stats as counting
    from cxrspec.runtime.output import recover

    recover(out)
    made = manifest.read(out)
    if made is None:
        _usage(f"`{out}` is not an output of cxrspec", "`cxrspec run --out DIR` makes one")
    counted = counting.collect(out)
    print(counting.markdown(counted))
    if against is not None:
        table = counting.published(None if against == "published" else Path(against))
        print()
        print(counting.differences(counted, table, counting.reasons(made)))


@app.command(name="ls")
def ls(
    specs: SpecsFolder = None,
    data: DataFolder = None,
    format: Annotated[ListFormat, typer.Option(help="text or json.")] = ListFormat.text,
) -> None:
    """List the specs, and whether their data is there."""
    from cxrspec.runtime.locate import Roots
    from cxrspec.runtime.project import load
    from cxrspec.runtime.sources import Presence, state

    settings = _settings(specs, data, None, None)
    compilation = load(settings.specs)
    presence = Presence(Roots(settings.data, settings.sources))
    rows = [
        {"name": name, "task": spec.spec.task.name, "source": spec.spec.source.name, "state": state(spec, presence)}
        for name, spec in sorted(compilation.specs.items())
    ]
    _print(rows, format)
    raise typer.Exit(1 if compilation.errors else 0)


@app.command()
def show(
    spec: Annotated[str, typer.Argument(help="A spec, as `cxrspec ls` names it.")],
    stage: Annotated[StageName, typer.Option(help="Which tree of the compiler.")] = StageName.plan,
    specs: SpecsFolder = None,
    published: Published = False,
) -> None:
    """Print a spec at one stage of the compiler."""
    from cxrspec.runtime.project import load
    from cxrspec.runtime.stages import stage_text

    compilation = load(_settings(specs, None, None, None).specs, published)
    compiled = _one(compilation, spec)
    text = stage_text(compilation, compiled, stage.value)
    if text is None:
        _complain(compilation.diagnostics, compilation.texts)
        raise typer.Exit(1)
    print(text.rstrip("\n"))


@app.command()
def prompts(
    task: Annotated[str, typer.Argument(help="A task, by its name in snake case.")],
    specs: SpecsFolder = None,
    limit: Annotated[int, typer.Option(min=0, help="How many prompts of each form to print.")] = 10,
) -> None:
    """Count the prompts of a task, and print some from all over its language."""
    from cxrspec.compiler.diagnostics import near
    from cxrspec.runtime.project import load
    from cxrspec.runtime.stages import prompt_lines

    compilation = load(_settings(specs, None, None, None).specs)
    if task not in compilation.tasks:
        _usage(f"unknown task `{task}`", near(task, compilation.tasks, "tasks"))
    for line in prompt_lines(compilation, compilation.tasks[task], limit):
        print(line)


@app.command()
def explain(code: Annotated[str, typer.Argument(help="The code of a finding: CXR203.")]) -> None:
    """Print what a finding means, with a wrong and a right example."""
    from importlib.resources import files

    from cxrspec.compiler.codes import CODES
    from cxrspec.compiler.diagnostics import near

    if code.upper() not in CODES:
        _usage(f"unknown code `{code}`", near(code.upper(), CODES, "codes"))
    page = files("cxrspec.docs") / "errors" / f"{code.upper()}.md"
    print(page.read_text(encoding="utf-8").rstrip())


@app.command()
def sources(
    specs: SpecsFolder = None,
    data: DataFolder = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only look for files; read none.")] = False,
    images: Annotated[
        bool, typer.Option("--images", help="Count the pictures that specs name, and those that are missing.")
    ] = False,
    format: Annotated[ListFormat, typer.Option(help="text or json.")] = ListFormat.text,
) -> None:
    """Tell for each source what is there: found, incomplete, drifted (not as declared) or absent."""
    from cxrspec.runtime.locate import Roots
    from cxrspec.runtime.project import load
    from cxrspec.runtime.sources import Presence, overview

    if quick and images:
        _usage("--quick reads nothing, and --images reads what names the pictures")
    settings = _settings(specs, data, None, None)
    compilation = load(settings.specs)
    print(f"data root: {settings.data}", file=sys.stderr)
    if images:
        _print_pictures(compilation, settings, format)
        raise typer.Exit(1 if compilation.errors else 0)
    with _Progress() as progress:
        seen = overview(compilation, Presence(Roots(settings.data, settings.sources)), None if quick else progress.say)
    _complain([found for one in seen for found in one.findings], {})
    _print([{"source": one.source, "state": one.state, "what": "; ".join(one.what)} for one in seen], format)
    raise typer.Exit(1 if compilation.errors else 0)


@app.command()
def synth(
    out: Annotated[Path, typer.Argument(help="Folder that becomes the data root; it must be new or empty.")],
    scale: Annotated[
        float, typer.Option("--scale", help="1 has the published sizes; every quirk is there at any scale.")
    ] = 0.001,
    seed: Annotated[int, typer.Option("--seed", help="Another seed makes another root.")] = 1,
    source: Annotated[
        list[str] | None, typer.Option("--source", help="Only this source; may be repeated.", show_default="all")
    ] = None,
) -> None:
    """Make up raw files of the sources, in their true layout."""
    from cxrspec.compiler.diagnostics import near
    from cxrspec.runtime import synth as making

    for name in source or ():
        if name not in making.names():
            _usage(f"`--source {name}` names no source that can be made up", near(name, making.names(), "sources"))
    if not 0 < scale <= 1:
        _usage(f"`--scale {scale:g}` is not above 0 and at most 1")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        _usage(f"`{out}` is there and not an empty folder", "nothing is written over")
    chosen = sorted({*(source or making.names())})
    with _Progress() as progress:
        making.synth(out, scale, seed, chosen, progress.say)
    print(f"{len(chosen)} source{'s' if len(chosen) != 1 else ''} made up in {out}", file=sys.stderr)


def _print_pictures(compilation: Compilation, settings: Settings, format: ListFormat) -> None:
    from dataclasses import asdict

    from cxrspec.runtime.pictures import pictures

    with _Progress() as progress:
        found = pictures(compilation, settings, progress.say)
    _print([asdict(one) for one in found], format)


@app.command()
def images(
    source: Annotated[str, typer.Argument(help="A source, by its name.")],
    out: Annotated[Path, typer.Argument(help="Folder of the converted pictures.")],
    specs: SpecsFolder = None,
    data: DataFolder = None,
) -> None:
    """Write the DICOM and PNG pictures of a source as PNG files of 8 bits."""
    from cxrspec.compiler.diagnostics import near
    from cxrspec.runtime.locate import Roots
    from cxrspec.runtime.project import load

    try:
        from cxrspec.runtime.convert import convert
    except ModuleNotFoundError as error:
        _usage(f"`cxrspec images` needs `{error.name}`, which is not installed", "pip install 'cxrspec[images]'")
    settings = _settings(specs, data, None, None)
    sources = load(settings.specs).sources
    if source not in sources:
        _usage(f"unknown source `{source}`", near(source, sources, "sources"))
    roots = Roots(settings.data, settings.sources)
    with _Progress() as progress:
        done = convert(roots.of(source), out, roots.shown, progress.say)
    _complain(done.findings, {})
    if not done.made + done.there + len(done.findings):
        folders = " or ".join(roots.shown(folder) for folder in roots.of(source))
        _usage(f"no DICOM or PNG picture in {folders}", "pictures in an archive are unpacked first")
    print(f"pictures written: {done.made:,}, there before: {done.there:,}", file=sys.stderr)
    print(f"[images.{source}]\nroot = {_toml(out.resolve())}\npattern = {_toml(done.pattern)}")
    raise typer.Exit(1 if done.findings else 0)


@app.command()
def catalogue(
    folder: Annotated[Path, typer.Argument(help="Folder that the pages are written to.")] = Path("catalogue"),
    specs: SpecsFolder = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="An output that examples and counts are taken from.", show_default="out"),
    ] = None,
) -> None:
    """Write a page for each source and each spec: what it reads, its rule in words, its prompts, an example."""
    from cxrspec.runtime.catalogue import write
    from cxrspec.runtime.project import load

    settings = _settings(specs, None, out, None)
    compilation = load(settings.specs)
    _complain(compilation.diagnostics, compilation.texts)
    print(f"{write(compilation, settings.out, folder)} pages written to {folder}", file=sys.stderr)
    raise typer.Exit(1 if compilation.errors else 0)


# ---- what commands share


def _toml(value: object) -> str:
    """A text of TOML, whose escapes are those of JSON."""
    import json

    return json.dumps(str(value), ensure_ascii=False)


def _settings(specs: Path | None, data: Path | None, out: Path | None, seed: int | None) -> Settings:
    from cxrspec.compiler.diagnostics import Report
    from cxrspec.runtime.settings import Options, load

    report = Report()
    settings = load(Path(), os.environ, Options(data, out, specs, seed), report)
    if report.errors:
        _complain(report.diagnostics, {})
        raise typer.Exit(2)
    if specs is not None and not specs.is_dir():
        _usage(f"no folder `{specs}`")
    return settings


def _one(compilation: Compilation, name: str) -> Compiled:
    from cxrspec.compiler.diagnostics import near

    if name not in compilation.specs:
        _usage(f"unknown spec `{name}`", near(name, compilation.specs, "specs"))
    return compilation.specs[name]


def _usage(message: str, help: str = "") -> NoReturn:
    print(f"error: {message}" + (f"\n  = help: {help}" if help else ""), file=sys.stderr)
    raise typer.Exit(2)


def _complain(diagnostics: Sequence[Diagnostic], texts: Mapping[str, str]) -> None:
    from cxrspec.compiler.render import render

    print(render(diagnostics, texts, "text", color=sys.stderr.isatty()), end="", file=sys.stderr)


def _print(rows: Iterable[Mapping[str, str | int]], format: ListFormat) -> None:
    """Rows as JSON, or as a table, in which a number stands with its name."""
    listed = list(rows)
    if format is ListFormat.json:
        import json

        print(json.dumps(listed, ensure_ascii=False, indent=1))
        return
    texts = [[v if isinstance(v, str) else f"{v:,} {name}" for name, v in row.items()] for row in listed]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _specs(number: int) -> str:
    return f"{number:,} spec" if number == 1 else f"{number:,} specs"


def _write_plans(compilation: Compilation, out: Path) -> int:
    from cxrspec.compiler.serial import to_json
    from cxrspec.compiler.show_plan import show_plan

    plans = {name: spec.plan for name, spec in compilation.specs.items() if spec.plan is not None}
    for name, plan in plans.items():
        path = out / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(show_plan(plan), encoding="utf-8")
        path.with_suffix(".json").write_text(to_json(plan), encoding="utf-8")
    return len(plans)


class _Progress:
    """What is being done: one changing line on a terminal, plain lines elsewhere; on stderr."""

    def __enter__(self) -> _Progress:
        self.status = None
        if sys.stderr.isatty():
            from rich.console import Console

            self.status = Console(stderr=True).status("starting")
            self.status.start()
        return self

    def say(self, what: str) -> None:
        if self.status is not None:
            self.status.update(what)
        else:
            print(what, file=sys.stderr)

    def __exit__(self, *_: object) -> None:
        if self.status is not None:
            self.status.stop()
