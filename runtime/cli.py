"""The command `cxrspec`; commands/ has a file for each of its commands.

Results go to stdout, findings and progress to stderr, except for `compile`, whose result is its findings.
Exit 0: clean; 1: findings; 2: wrong usage, or an error of our own.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import typer

from cxrspec.runtime.commands.catalogue import catalogue
from cxrspec.runtime.commands.compile import compile_
from cxrspec.runtime.commands.diff import diff
from cxrspec.runtime.commands.explain import explain
from cxrspec.runtime.commands.images import images
from cxrspec.runtime.commands.ls import ls
from cxrspec.runtime.commands.new import new
from cxrspec.runtime.commands.parse import parse
from cxrspec.runtime.commands.prompts import prompts
from cxrspec.runtime.commands.run import run
from cxrspec.runtime.commands.schema import schema
from cxrspec.runtime.commands.shared import complain
from cxrspec.runtime.commands.show import show
from cxrspec.runtime.commands.sources import sources
from cxrspec.runtime.commands.stats import stats
from cxrspec.runtime.commands.synth import synth
from cxrspec.runtime.commands.view import view

app = typer.Typer(
    help="Chest X-ray instruction-tuning corpora from declarative task specs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)
for command in (
    compile_,
    diff,
    run,
    stats,
    view,
    ls,
    show,
    prompts,
    schema,
    explain,
    parse,
    sources,
    synth,
    images,
    catalogue,
):
    app.command(name=command.__name__.rstrip("_"))(command)
app.add_typer(new, name="new")


def main() -> None:
    """Entry point: our own errors become one line and exit 2, never a traceback (its text could hold data)."""
    gc.set_threshold(100_000)  # a compilation keeps its trees: a look for garbage at every 700 of them finds none
    try:
        app()
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(130)
    except Exception as error:
        from cxrspec.compiler.diagnostics import Diagnostic
        from cxrspec.runtime.output import OutputError

        if isinstance(error, OutputError):
            complain([error.diagnostic], {})
            sys.exit(1)
        if os.environ.get("CXRSPEC_TRACEBACK"):
            raise
        if isinstance(error, OSError) and error.filename is not None:
            complain([Diagnostic("CXR809", "error", f"`{error.filename}`: {error.strerror}")], {})
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
