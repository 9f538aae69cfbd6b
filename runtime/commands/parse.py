"""`cxrspec parse`."""

from __future__ import annotations

from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cxrspec.runtime.commands.options import ListFormat, OutFolder, SpecsFolder
from cxrspec.runtime.commands.shared import complain, read_settings, usage

if TYPE_CHECKING:
    from cxrspec.runtime.replies import Row


class Split(StrEnum):
    """A side of the split."""

    train = "train"
    val = "val"
    test = "test"


def parse(
    spec: Annotated[str, typer.Argument(help="A spec of the output.")],
    replies: Annotated[
        Path, typer.Argument(help='Lines of JSON with "id" (an example id, with #n for its n-th turn) and "reply".')
    ],
    out: OutFolder = None,
    specs: SpecsFolder = None,
    split: Annotated[
        Split | None, typer.Option(help="Only the turns of this split.", show_default="all that the spec has")
    ] = None,
    rows: Annotated[
        Path | None, typer.Option(help="Write each turn here, as a line of JSON: what answer and reply say.")
    ] = None,
    format: Annotated[ListFormat, typer.Option(help="How the scores are printed.")] = ListFormat.text,
) -> None:
    """Read a model's replies by the spec's answer formats, and score them."""
    import json

    from cxrspec.runtime.examples import opened
    from cxrspec.runtime.project import load
    from cxrspec.runtime.replies import data, score, tables

    if not replies.is_file():
        usage(f"no file `{replies}`")
    settings = read_settings(specs, None, out, None)
    output = opened(settings.out)
    compilation = load(settings.specs, output.made.mode == "published")
    with ExitStack() as stack:
        file = stack.enter_context(rows.open("w", encoding="utf-8")) if rows is not None else None

        def tell(row: Row) -> None:
            if file is not None:
                file.write(json.dumps(row.data(), ensure_ascii=False) + "\n")

        scored = score(output, compilation, spec, replies, split.value if split is not None else None, tell)
    found = data(spec, split, scored)
    print(json.dumps(found, ensure_ascii=False, indent=1) if format is ListFormat.json else tables(found))
    if scored.diagnostics:
        complain(scored.diagnostics, {})
    raise typer.Exit(1 if any(one.severity == "error" for one in scored.diagnostics) else 0)
