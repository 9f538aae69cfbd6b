"""RUN: all specs from made-up files to Parquet, with one turn a form and with five; and source by source.

"Cold" means an empty cache of ours: nothing of the files was read before. The system may hold the files in memory.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from cxrspec.compiler.catalog import as_text, shipped
from tests.bench.page import table
from tests.bench.timing import Ran, command

TURNS = 5
FORM = re.compile(r"^(\s*)- form: \w+$", re.MULTILINE)
WEIGHT = re.compile(r"^(\s*)/\d+/ ", re.MULTILINE)


def tables(data: Path, scale: float, scratch: Path) -> str:
    """The whole run twice, then one run a source."""
    five = scratch / "five"
    more_turns(five)
    whole = [
        ("one turn a form", cold(data, scratch)),
        (f"`count: {TURNS}` in every form", cold(data, scratch, "--specs", five)),
    ]
    sources = sorted({name.partition("/")[2] for _, ran in whole[:1] for name in made(ran)})
    by_source = [(source, cold(data, scratch, "--select", f"source:{source}")) for source in sources]
    return "\n\n".join(
        [
            table(
                ["all specs", "wall", "all cores", "peak memory", "read", "make and write", "examples", "a second"],
                [[what, *told(ran)] for what, ran in whole],
            ),
            table(
                ["source alone", "wall", "all cores", "peak memory", "read", "make and write", "examples", "a second"],
                [[f"`{source}`", *told(ran)] for source, ran in by_source],
            ),
        ]
    )


def more_turns(folder: Path) -> None:
    """Local copies of all tasks, whose forms ask so many times.

    Weights of lines are left out: a question that is half of the language cannot be asked in five ways.
    """
    for file in shipped():
        text = as_text(file.text)
        if FORM.search(text):
            path = folder / file.place
            path.parent.mkdir(parents=True)
            path.write_text(WEIGHT.sub(r"\1", FORM.sub(rf"\g<0>\n\1  count: {TURNS}", text)), "utf-8")


def cold(data: Path, scratch: Path, *more: str | Path) -> Ran:
    """A run with nothing in the cache and nothing in place."""
    cache = scratch / "cache"
    ran = command(["run", "--data", data, "--out", "out", *more], scratch, cache)
    shutil.rmtree(scratch / "out")
    shutil.rmtree(cache)
    return ran


def told(ran: Ran) -> tuple[str, ...]:
    """The cells of a run: its cost, where the time went, the examples, and how many of them a second."""
    spent, examples = phases(ran), sum(made(ran).values())
    phase = (f"{spent.get(word, 0):.2f} s" for word in ("reading", "making"))
    return *ran.cost.cells, *phase, f"{examples:,}", f"{examples / ran.cost.wall:,.0f}"


def phases(ran: Ran) -> dict[str, float]:
    """Seconds by what the command said it was doing: each lasts until it says the next."""
    found: dict[str, float] = {}
    ends = [*(at for at, _ in ran.progress[1:]), ran.cost.wall]
    for (at, line), end in zip(ran.progress, ends, strict=True):
        word = line.partition(" ")[0]
        found[word] = found.get(word, 0) + end - at
    return found


def made(ran: Ran) -> Mapping[str, int]:
    """The examples of each spec that was made, as the command prints them."""
    lines: Iterable[tuple[str, str, str]] = (line.partition(": ") for line in ran.printed)
    return {name: sum(int(n.replace(",", "")) for n in counts.split(" / ")) for name, _, counts in lines}
