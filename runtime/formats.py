"""The formats of an output by their names; loads none of the emitters that write them (emitters/)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cxrspec.compiler.diagnostics import near
from cxrspec.compiler.dialects import DEFAULT
from cxrspec.runtime.output import OutputError

EXAMPLES = ("parquet", "jsonl")
"""Those in which examples stand as they are, so that they can be read back."""

BOXES: Mapping[str, str] = {"chexinstruct": "chexagent", "llava": "unit", "ms-swift": "ms_swift", "qwen-vl": "qwen3_vl"}
"""The dialect in which the models of a format read boxes; those of the others may be any."""

REGISTERED = "sharegpt"
"""The one whose trainings find it by a registry at the root of the output."""


@dataclass(frozen=True, slots=True)
class Formats:
    """What a run writes: `examples` is the format in which they are read back, `others` are made of them beside it."""

    examples: str = EXAMPLES[0]
    others: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Their names, that of the examples first."""
        return (self.examples, *self.others)


PARQUET = Formats()
"""What is written unless other formats are asked for."""


def formats(asked: Iterable[str]) -> Formats:
    """The formats of these names; for the examples the first of `EXAMPLES` among them, or Parquet.

    Raises:
        OutputError: CXR807, there is no such format.
    """
    wanted = dict.fromkeys(asked)
    for name in wanted:
        known(name)
    examples = next((name for name in wanted if name in EXAMPLES), EXAMPLES[0])
    return Formats(examples, tuple(sorted(wanted.keys() - {examples})))


def dialect(formats: Formats) -> str:
    """The dialect in which boxes are printed, unless another is asked for: that of the models of these formats.

    Raises:
        OutputError: CXR816, they read different ones.
    """
    wanted = {name: BOXES[name] for name in formats.all if name in BOXES}
    if len({*wanted.values()}) > 1:
        told = ", ".join(f"`{name}` {boxes}" for name, boxes in wanted.items())
        raise OutputError(
            "CXR816",
            f"models of these formats read boxes in different dialects: {told}",
            "`--boxes` says in which one they are printed; with two runs each format has its own",
        )
    return next(iter(wanted.values()), DEFAULT)


def names() -> tuple[str, ...]:
    """The formats there are, sorted: one per file of emitters/, `qwen-vl` for `qwen_vl.py`."""
    files = (Path(__file__).parent / "emitters").glob("[!_]*.py")
    return tuple(sorted(path.stem.replace("_", "-") for path in files))


def known(name: str) -> str:
    """The name of a format.

    Raises:
        OutputError: CXR807, there is no such format.
    """
    if name not in names():
        raise OutputError("CXR807", f"unknown output format `{name}`", near(name, names(), "formats"))
    return name
