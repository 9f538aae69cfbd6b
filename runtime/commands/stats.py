"""`cxrspec stats`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cxrspec.runtime.commands.shared import usage


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
        usage(f"`{out}` is not an output of cxrspec", "`cxrspec run --out DIR` makes one")
    counted = counting.collect(out)
    print(counting.markdown(counted))
    if against is not None:
        table = counting.published(None if against == "published" else Path(against))
        print()
        print(counting.differences(counted, table, counting.reasons(made)))
