"""What the charts of a selection show: answers, lengths of prompts and answers, images, boxes and where they lie.

Counted per spec and split over its first examples only, and kept, so that the largest output is counted in seconds and
each part of it once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from time import monotonic
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cxrspec.runtime.view.corpus import Corpus, Piece, Selection
from cxrspec.runtime.view.pages import holds

EXAMPLES = 20_000
"""Examples of one spec and split that are counted at most."""

SIDE = 24
"""Cells of a side of the map of boxes."""

_NAMES = 200  # distinct answers and labels that are kept of one spec and split
_SHOWN = 15
_KEPT = 2_000  # tallies: those of some texts
_STEP = 20  # characters in a bar of lengths


@dataclass(slots=True)
class Tally:
    """What was counted over some examples, of all their turns.

    distinct  answers that differ, within a spec and split
    prompts, replies  how many have a length of so many times `_STEP` characters
    images    examples with so many
    places    of each cell of the unit frame, row by row from above, how many boxes reach into it
    """

    examples: int = 0
    turns: int = 0
    distinct: int = 0
    answers: Counter[str] = field(default_factory=Counter[str])
    prompts: Counter[int] = field(default_factory=Counter[int])
    replies: Counter[int] = field(default_factory=Counter[int])
    images: Counter[int] = field(default_factory=Counter[int])
    labels: Counter[str] = field(default_factory=Counter[str])
    boxes: int = 0
    places: NDArray[np.int64] = field(default_factory=lambda: np.zeros((SIDE, SIDE), np.int64))


def together(tallies: Iterable[Tally]) -> Tally:
    """All of them as one."""
    whole = Tally()
    for one in tallies:
        for name in ("answers", "prompts", "replies", "images", "labels"):
            getattr(whole, name).update(getattr(one, name))
        whole.examples += one.examples
        whole.turns += one.turns
        whole.distinct += one.distinct
        whole.boxes += one.boxes
        whole.places += one.places
    return whole


class Charts:
    """The charts of an output. Counts are kept as long as it is the same."""

    def __init__(self) -> None:
        self._version = ""
        self._known: dict[tuple[tuple[Piece, ...], str | None], Tally] = {}

    def of(self, corpus: Corpus, selection: Selection, seconds: float) -> Mapping[str, Any]:
        """The charts of a selection; `left` specs and splits were not counted when the time was up: ask again.

        Raises:
            OSError, polars.exceptions.PolarsError: a file does not read, or is not there any more.
        """
        if corpus.version != self._version or len(self._known) > _KEPT:
            self._version, self._known = corpus.version, {}
        known, ends = self._known, monotonic() + seconds
        left = made = 0
        counted: list[Tally] = []
        for files in _parts(corpus.pieces(selection)):
            asked = (files, selection.text)
            if asked not in known:
                if made and monotonic() > ends:
                    left += 1
                    continue
                made += 1
                known[asked] = _tally(corpus, files, selection.text)
            counted.append(known[asked])
        whole = together(counted)
        return {
            "splits": splits(corpus, selection),
            "examples": whole.examples,
            "most": EXAMPLES,
            "turns": whole.turns,
            "distinct": whole.distinct,
            "answers": whole.answers.most_common(_SHOWN),
            "prompts": _bars(whole.prompts),
            "replies": _bars(whole.replies),
            "step": _STEP,
            "images": sorted(whole.images.items()),
            "labels": whole.labels.most_common(_SHOWN),
            "boxes": whole.boxes,
            "places": whole.places.tolist(),
            "left": left,
        }


def splits(corpus: Corpus, selection: Selection) -> dict[str, int]:
    """All examples of a selection by split, whatever its text."""
    found: Counter[str] = Counter()
    for piece in corpus.pieces(selection):
        found[piece.split] += piece.rows
    return dict(found)


def _parts(pieces: list[Piece]) -> Iterator[tuple[Piece, ...]]:
    for _, some in groupby(pieces, lambda piece: (piece.spec, piece.split)):
        yield tuple(some)


def _bars(lengths: Counter[int]) -> list[int]:
    """From the shortest possible to the longest there is."""
    return [lengths[place] for place in range(max(lengths) + 1)] if lengths else []


def _tally(corpus: Corpus, files: tuple[Piece, ...], text: str | None) -> Tally:
    rows = corpus.examples(*(piece.file for piece in files)).select("id", "images", "turns", "boxes")
    rows = rows.head(EXAMPLES)
    examples = (rows.filter(holds(text)) if text else rows).collect()
    turns = examples.select(pl.col("turns").explode(empty_as_null=False)).unnest("turns")
    boxes = examples.select(pl.col("boxes").explode(empty_as_null=False)).unnest("boxes")
    return Tally(
        examples.height,
        turns.height,
        turns["answer"].n_unique(),
        _most(turns["answer"]),
        _counter(turns["prompt"].str.len_chars() // _STEP),
        _counter(turns["answer"].str.len_chars() // _STEP),
        _counter(examples["images"].list.len()),
        _most(boxes["label"]),
        boxes.height,
        _covered(boxes.select("x1", "y1", "x2", "y2").to_numpy()),
    )


def _counter(values: pl.Series) -> Counter[Any]:
    return Counter(dict(values.alias("value").value_counts().iter_rows()))


def _most(values: pl.Series) -> Counter[str]:
    """The most frequent of them; of equally frequent ones the first by name."""
    counted = values.alias("value").value_counts().sort("count", "value", descending=[True, False])
    return Counter(dict(counted.head(_NAMES).iter_rows()))


def _covered(boxes: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each cell how many boxes reach into it: corners are summed up, from the left and from above."""
    low = np.clip(np.floor(boxes[:, :2] * SIDE).astype(np.int64), 0, SIDE - 1)
    high = np.clip(np.ceil(boxes[:, 2:] * SIDE).astype(np.int64), low + 1, SIDE)
    steps = np.zeros((SIDE + 1, SIDE + 1), np.int64)
    for x, y, sign in ((low, low, 1), (high, high, 1), (low, high, -1), (high, low, -1)):
        np.add.at(steps, (y[:, 1], x[:, 0]), sign)
    return steps.cumsum(0).cumsum(1)[:SIDE, :SIDE]
