"""`python -m tests.bench [PART ...] [--scale X | --data ROOT] [--write]`: measure parts, print their tables."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from tests.bench.page import machine, put
from tests.bench.timing import command

PARTS: Mapping[str, str] = {
    "compile": "start, compile, and compile again after an edit",
    "synth": "make up the raw files of all sources",
    "run": "all specs: with one turn a form and with five, and source by source",
    "floor": "sources above 100,000 examples against a scan of what they read and a write of what they make",
    "compare": "five specs against a loop over rows, vectorised pandas and DuckDB",
    "growth": "some sources at 0.3, 1 and 3 times the size",
    "again": "a second run with nothing changed, one spec edited, one file changed",
}


class Part(Protocol):
    """What a module of a part offers."""

    def tables(self, data: Path, scale: float, scratch: Path) -> str:
        """Measure, and tell in Markdown. `data` is a made-up root of that scale, `scratch` an empty folder."""
        ...


def main() -> None:
    """Measure the parts one after the other, print what each found, and put it on the page if that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    listed = "; ".join(f"{name}: {what}" for name, what in PARTS.items())
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{listed}; default: all")
    parser.add_argument("--scale", type=float, default=1.0, help="of the made-up data; 1 has the published sizes")
    parser.add_argument("--data", type=Path, help="a root made up before, of that scale; else one is made and removed")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    asked = parser.parse_args()
    unknown = [name for name in asked.parts if name not in PARTS]
    if unknown:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory(prefix="cxrspec-bench-") as folder:
        data = asked.data.resolve() if asked.data else Path(folder) / "data"
        for name in asked.parts or PARTS:
            scratch = Path(folder) / name
            scratch.mkdir()
            if not data.exists() and name not in ("compile", "synth", "growth"):
                command(["synth", data, "--scale", str(asked.scale)], scratch, scratch / "cache")
            part = cast(Part, import_module(f"tests.bench.{name}"))
            found = part.tables(data, asked.scale, scratch)
            text = f"{found}\n\n{machine(f'python -m tests.bench {name} --scale {asked.scale:g}')}"
            print(f"\n## {name}\n\n{text}", flush=True)
            if asked.write:
                put(name, text)


if __name__ == "__main__":
    main()
