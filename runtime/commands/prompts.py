"""`cxrspec prompts`."""

from __future__ import annotations

from typing import Annotated

import typer

from cxrspec.runtime.commands.options import SpecsFolder
from cxrspec.runtime.commands.shared import read_settings, usage


def prompts(
    task: Annotated[str, typer.Argument(help="A task, or a spec with turns of its own, by its name.")],
    specs: SpecsFolder = None,
    limit: Annotated[int, typer.Option(min=0, help="How many prompts of each form to print.")] = 10,
) -> None:
    """Count the prompts of a task, and print some from all over its language."""
    from cxrspec.compiler.declarations import Task
    from cxrspec.compiler.diagnostics import near
    from cxrspec.runtime.project import load
    from cxrspec.runtime.stages import prompt_lines

    compilation = load(read_settings(specs, None, None, None).specs)
    own = {name: spec.spec.task for name, spec in compilation.specs.items() if isinstance(spec.spec.task, Task)}
    tasks = {**compilation.tasks, **own}
    if task not in tasks:
        usage(f"unknown task `{task}`", near(task, tasks, "tasks"))
    for line in prompt_lines(compilation, tasks[task], limit):
        print(line)
