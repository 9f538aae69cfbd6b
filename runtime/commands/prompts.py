"""`cxrspec prompts`."""

from __future__ import annotations

from typing import Annotated

import typer

from cxrspec.runtime.commands.options import SpecsFolder
from cxrspec.runtime.commands.shared import read_settings, usage


def prompts(
    task: Annotated[str, typer.Argument(help="A task, by its name in snake case.")],
    specs: SpecsFolder = None,
    limit: Annotated[int, typer.Option(min=0, help="How many prompts of each form to print.")] = 10,
) -> None:
    """Count the prompts of a task, and print some from all over its language."""
    from cxrspec.compiler.diagnostics import near
    from cxrspec.runtime.project import load
    from cxrspec.runtime.stages import prompt_lines

    compilation = load(read_settings(specs, None, None, None).specs)
    if task not in compilation.tasks:
        usage(f"unknown task `{task}`", near(task, compilation.tasks, "tasks"))
    for line in prompt_lines(compilation, compilation.tasks[task], limit):
        print(line)
