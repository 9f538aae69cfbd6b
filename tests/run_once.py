"""A run in a process of its own: DATA OUT SPECS SEED ENGINE... makes OUT.<engine> for each engine.

"own" is for each stage the engine that suits it. So is "wait", which makes OUT itself, after it has said that it is
ready.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from cxrspec.runtime import project
from cxrspec.runtime.request import Request
from cxrspec.runtime.run import run
from cxrspec.runtime.settings import Settings

Engine = Literal["in-memory", "streaming"]
ENGINES: dict[str, Engine | None] = {"in-memory": "in-memory", "streaming": "streaming", "own": None, "wait": None}


def main(data: str, out: str, specs: str, seed: str, *engines: str) -> None:
    compilation = project.load(Path(specs))
    for engine in engines:
        made = Path(out if engine == "wait" else f"{out}.{engine}")
        request = Request(
            Settings(Path(data), made, Path(specs), int(seed)), list(compilation.specs.values()), engine=ENGINES[engine]
        )
        if engine == "wait":
            sys.stdout.write("ready\n")
            sys.stdout.flush()
        if run(compilation, request).failed:
            sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
