"""The dialects in which models read and write boxes: one row each, for the printer (boxes.py) and the parser (answers.py).

chexagent    <|ref|>edema<|/ref|><|box|>(12,30),(48,75)<|/box|>
pixels       [{"bbox_2d": [245, 614, 983, 1536], "label": "edema"}]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor, sqrt


@dataclass(frozen=True, slots=True)
class Resize:
    """How a model's processor resizes an image: sides are multiples of `step`, and it has `least` to `most` pixels.

    As `smart_resize` of Qwen2.5-VL has it (transformers/models/qwen2_vl/image_processing_qwen2_vl.py).
    """

    step: int
    least: int
    most: int

    def __call__(self, width: int, height: int) -> tuple[int, int]:
        """The sides of an image behind it, in pixels.

        >>> Resize(28, 4 * 28 * 28, 16384 * 28 * 28)(2544, 3056)
        (2548, 3052)
        """
        sides = [max(self.step, round(side / self.step) * self.step) for side in (width, height)]
        if sides[0] * sides[1] > self.most:
            share = sqrt(width * height / self.most)
            sides = [max(self.step, floor(side / share / self.step) * self.step) for side in (width, height)]
        elif sides[0] * sides[1] < self.least:
            share = sqrt(self.least / (width * height))
            sides = [ceil(side * share / self.step) * self.step for side in (width, height)]
        return sides[0], sides[1]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How boxes read. In patterns {x1} {y1} {x2} {y2} are the corners and {label} the label; braces stand twice.

    box       one box
    labelled  one box with its label
    grid      whole steps from one side of the image to the other; None: its pixels, or those of the resized image
    decimals  the steps are printed as a share of the grid, with so many digits; 0: as they are
    around    what stands before the first box, between two, and behind the last
    json      whether the label is printed as a JSON text, else as it is
    reserved  what no label may hold, and no text that says that there is no box
    """

    box: str
    labelled: str
    grid: int | Resize | None
    decimals: int = 0
    around: tuple[str, str, str] = ("", " ", "")
    json: bool = False
    reserved: tuple[str, ...] = ()


def _tokens(ref: tuple[str, str], box: tuple[str, str], grid: int, decimals: int = 0) -> Dialect:
    """A dialect of special tokens round label and box."""
    pattern = f"{box[0]}({{x1}},{{y1}}),({{x2}},{{y2}}){box[1]}"
    return Dialect(pattern, f"{ref[0]}{{label}}{ref[1]}{pattern}", grid, decimals, reserved=(*ref, *box))


def _json(grid: int | Resize | None, decimals: int = 0) -> Dialect:
    """A dialect of JSON objects in a list."""
    corners = '"bbox_2d": [{x1}, {y1}, {x2}, {y2}]'
    return Dialect(
        f"{{{{{corners}}}}}",
        f'{{{{{corners}, "label": {{label}}}}}}',
        grid,
        decimals,
        around=("[", ", ", "]"),
        json=True,
        reserved=('"bbox_2d"',),
    )


DIALECTS: Mapping[str, Dialect] = {
    "chexagent": _tokens(("<|ref|>", "<|/ref|>"), ("<|box|>", "<|/box|>"), 100),
    "qwen2_vl": _tokens(("<|object_ref_start|>", "<|object_ref_end|>"), ("<|box_start|>", "<|box_end|>"), 1000),
    "qwen2_5_vl": _json(Resize(28, least=4 * 28 * 28, most=16384 * 28 * 28)),  # its preprocessor_config.json
    "qwen3_vl": _json(1000),
    "unit": _json(10_000, decimals=4),
    "pixels": _json(None),
    "ms_swift": _tokens(("<ref-object>", "</ref-object>"), ("<bbox>", "</bbox>"), 10**9, decimals=9),
}
DEFAULT = "chexagent"
