"""SCORES: what replies say held against what the answers say, counted.

Three measures, each where it makes sense:

exact   the reply says what the answer says. Texts are compared after runs of white space have become one blank; a
        choice by its option, several options, pairs and boxes as a set, whatever their order
labels  precision, recall and F1 of each label, together (micro) and as the mean over the labels that answers hold
        (macro). A label is an option, the type of an entity (right if its text is, too), the name of a count (right if
        the number is, too), or that of a box (right from an IoU of 0.5 on)
iou     the mean IoU of boxes that were matched

Boxes are matched one to one within a label, greedily: the two of the highest IoU first. A matching of the highest sum
may find more pairs where boxes crowd; the greedy one needs no solver, and can be checked by hand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from cxrspec.compiler import plan as p
from cxrspec.compiler.answers import Boxed, Said

OVERLAP = 0.5
"""IoU from which a matched box is right."""


@dataclass(slots=True)
class Tally:
    """How often something was said rightly, said wrongly, and not said."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def support(self) -> int:
        """How often answers say it."""
        return self.right + self.missed

    @property
    def precision(self) -> float | None:
        """The share of what was said that is right; None if nothing was."""
        return _share(self.right, self.right + self.wrong)

    @property
    def recall(self) -> float | None:
        """The share of what answers say that was said; None if they say nothing."""
        return _share(self.right, self.support)

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both; None if neither answers nor replies say it."""
        return _share(2 * self.right, 2 * self.right + self.wrong + self.missed)

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.right + other.right, self.wrong + other.wrong, self.missed + other.missed)


@dataclass(slots=True)
class Scores:
    """The turns of one form, counted.

    format      of its answers
    turns       that were held against a reply, or its absence
    missing     without a reply; they count as if nothing had been said
    unreadable  whose reply says nothing in the format; the same
    exact       whose reply says what the answer says
    labels      by label
    ious        the sum over matched boxes, and how many they are
    """

    format: str
    turns: int = 0
    missing: int = 0
    unreadable: int = 0
    exact: int = 0
    labels: dict[str, Tally] = field(default_factory=dict[str, Tally])
    ious: tuple[float, int] = (0.0, 0)

    @property
    def micro(self) -> Tally:
        """All labels together."""
        return sum(self.labels.values(), Tally())

    @property
    def macro(self) -> float | None:
        """The mean F1 of the labels that answers hold; None if they hold none."""
        held = [one.f1 or 0.0 for one in self.labels.values() if one.support]
        return sum(held) / len(held) if held else None

    @property
    def iou(self) -> float | None:
        """The mean IoU of matched boxes; None if none were."""
        return _share(*self.ious)

    def add(self, truth: Said, said: Said | None) -> bool:
        """Count a turn whose answer says `truth`; whether `said` is the same. None says nothing."""
        self.turns += 1
        same = said is not None and _comparable(truth) == _comparable(said)
        self.exact += same
        match self.format:
            case "text":
                pass
            case "boxes":
                self.boxes(_boxes(truth), _boxes(said))
            case "entities":
                self.items(_pairs(truth), _pairs(said))
            case "counts":
                self.items(_pairs(truth), _pairs(said))
            case _:
                self.items(_options(truth), _options(said))
        return same

    def items(self, truth: Iterable[tuple[str, Hashable]], said: Iterable[tuple[str, Hashable]]) -> None:
        """Count (label, value): right as often as both have it."""
        wanted, given = Counter(truth), Counter(said)
        for one in {**wanted, **given}:
            both = min(wanted[one], given[one])
            self.count(one[0], Tally(both, given[one] - both, wanted[one] - both))

    def boxes(self, truth: Sequence[Boxed], said: Sequence[Boxed]) -> None:
        """Count boxes: right where they are matched and overlap enough."""
        pairs = matched(truth, said)
        total, number = self.ious
        self.ious = total + sum(overlap for _, _, overlap in pairs), number + len(pairs)
        good = Counter(truth[i].label for i, _, overlap in pairs if overlap >= OVERLAP)
        wanted, given = Counter(box.label for box in truth), Counter(box.label for box in said)
        for label in {**wanted, **given}:
            self.count(label, Tally(good[label], given[label] - good[label], wanted[label] - good[label]))

    def count(self, label: str, tally: Tally) -> None:
        """Add to the tally of a label."""
        self.labels[label] = self.labels.get(label, Tally()) + tally


def format_of(answer: p.Answer) -> str:
    """The format of an answer as YAML has it."""
    match answer:
        case p.TextAnswer():
            return "text"
        case p.ChoiceAnswer(several=several):
            return "choices" if several else "choice"
        case p.BoxesAnswer():
            return "boxes"
        case p.PairsAnswer(format):
            return format


def matched(truth: Sequence[Boxed], said: Sequence[Boxed]) -> list[tuple[int, int, float]]:
    """Pairs of boxes of one label that overlap, each box in one pair at most, with their IoU: the highest first."""
    overlaps = [
        (-overlap, i, j)
        for i, one in enumerate(truth)
        for j, other in enumerate(said)
        if one.label == other.label and (overlap := iou(one, other)) > 0
    ]
    pairs: list[tuple[int, int, float]] = []
    here, there = set[int](), set[int]()
    for overlap, i, j in sorted(overlaps):
        if i not in here and j not in there:
            here.add(i)
            there.add(j)
            pairs.append((i, j, -overlap))
    return pairs


def iou(one: Boxed, other: Boxed) -> float:
    """The area that two boxes share, of the area that they cover together; 1 for the same box, had it no area.

    >>> iou(Boxed("a", 0, 0, 0.5, 1), Boxed("a", 0.25, 0, 0.75, 1))
    0.3333333333333333
    """
    if one[1:] == other[1:]:
        return 1.0
    width = min(one.x2, other.x2) - max(one.x1, other.x1)
    height = min(one.y2, other.y2) - max(one.y1, other.y1)
    shared = max(width, 0.0) * max(height, 0.0)
    covered = _area(one) + _area(other) - shared
    return shared / covered if covered > 0 else 0.0


def _area(box: Boxed) -> float:
    return (box.x2 - box.x1) * (box.y2 - box.y1)


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _comparable(said: Said) -> object:
    """What is compared: a text with its white space squeezed, anything else whatever its order."""
    return " ".join(said.split()) if isinstance(said, str) else Counter[object](said)


def _options(said: Said | None) -> list[tuple[str, None]]:
    options = () if said is None else (said,) if isinstance(said, str) else said
    return [(str(option), None) for option in options]


def _pairs(said: Said | None) -> list[tuple[str, Hashable]]:
    return [(one[0], one[1]) for one in said or () if isinstance(one, tuple)]


def _boxes(said: Said | None) -> list[Boxed]:
    return [one for one in said or () if isinstance(one, Boxed)]
