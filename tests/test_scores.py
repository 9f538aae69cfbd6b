"""The measures of replies, by arithmetic on paper and by definitions written once more in plain Python."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import permutations

import pytest

from cxrspec.compiler.answers import Boxed
from cxrspec.runtime.scores import Scores, Tally, iou, matched

A = Boxed("mass", 0.0, 0.0, 0.5, 1.0)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (A, 1.0),
        (Boxed("mass", 0.25, 0.0, 0.75, 1.0), 1 / 3),  # 1/4 shared of 3/4
        (Boxed("mass", 0.0, 0.0, 0.5, 0.5), 1 / 2),  # inside
        (Boxed("mass", 0.5, 0.0, 1.0, 1.0), 0.0),  # side by side
        (Boxed("mass", 0.75, 0.5, 1.0, 1.0), 0.0),  # apart
        (Boxed("mass", 0.25, 0.0, 0.25, 1.0), 0.0),  # no area
    ],
)
def test_iou(other: Boxed, expected: float) -> None:
    assert iou(A, other) == pytest.approx(expected)
    assert iou(other, A) == pytest.approx(expected)


def test_a_box_without_area_is_itself() -> None:
    thin = Boxed("mass", 0.2, 0.0, 0.2, 1.0)
    assert iou(thin, thin) == 1.0


def test_iou_counts_the_cells_of_a_grid() -> None:
    chance = random.Random(4)

    def box() -> tuple[Boxed, set[tuple[int, int]]]:
        x1, x2 = sorted(chance.sample(range(13), 2))
        y1, y2 = sorted(chance.sample(range(13), 2))
        cells = {(x, y) for x in range(x1, x2) for y in range(y1, y2)}
        return Boxed("", x1 / 12, y1 / 12, x2 / 12, y2 / 12), cells

    for _ in range(300):
        (one, here), (other, there) = box(), box()
        assert iou(one, other) == pytest.approx(len(here & there) / len(here | there))


def test_boxes_are_matched_one_to_one_the_highest_first() -> None:
    truth = [Boxed("mass", 0.0, 0.0, 1.0, 1.0), Boxed("mass", 0.0, 0.0, 1.0, 0.5)]
    said = [Boxed("mass", 0.0, 0.0, 1.0, 0.8), Boxed("nodule", 0.0, 0.0, 1.0, 0.5), Boxed("mass", 0.0, 0.0, 1.0, 0.4)]
    # mass: (0, 0) 0.8, (1, 2) 0.4 / 0.5 = 0.8, (1, 0) 0.5 / 0.8, (0, 2) 0.4; the nodule is no mass
    pairs = matched(truth, said)
    assert [(i, j) for i, j, _ in pairs] == [(0, 0), (1, 2)]
    assert [overlap for *_, overlap in pairs] == pytest.approx([0.8, 0.8])


def test_the_greedy_matching_leaves_no_higher_pair_of_free_boxes() -> None:
    """Of all ways to take pairs one by one, it is the one that never passes over a higher IoU."""
    chance = random.Random(9)

    def box() -> Boxed:
        x, y = chance.random() / 2, chance.random() / 2
        return Boxed(chance.choice("ab"), x, y, x + 0.4, y + 0.4)

    for _ in range(100):
        truth, said = ([box() for _ in range(chance.randrange(4))] for _ in range(2))
        pairs = matched(truth, said)
        assert len({i for i, _, _ in pairs}) == len({j for _, j, _ in pairs}) == len(pairs)
        left = [(i, j) for i in range(len(truth)) for j in range(len(said))]
        expected: list[tuple[int, int]] = []
        while scored := [(iou(truth[i], said[j]), i, j) for i, j in left if truth[i].label == said[j].label]:
            best = max(scored)
            if best[0] == 0:
                break
            expected.append(best[1:])
            left = [(i, j) for i, j in left if i != best[1] and j != best[2]]
        assert [(i, j) for i, j, _ in pairs] == expected


def test_f1_of_choices_on_paper() -> None:
    scores = Scores("choices")
    for truth, said in [
        (("edema", "mass"), ("mass", "edema")),  # the same, whatever the order
        (("edema",), ("edema", "mass")),
        (("nodule",), ()),
        ((), ("edema",)),
        (("edema",), None),  # not readable: nothing is said
    ]:
        scores.add(truth, said)
    assert (scores.turns, scores.exact) == (5, 1)
    assert scores.labels == {"edema": Tally(2, 1, 1), "mass": Tally(1, 1, 0), "nodule": Tally(0, 0, 1)}
    assert scores.labels["edema"].f1 == pytest.approx(2 / 3)  # precision 2/3, recall 2/3
    assert scores.labels["mass"].f1 == pytest.approx(2 / 3)  # precision 1/2, recall 1
    assert (scores.labels["nodule"].precision, scores.labels["nodule"].f1) == (None, 0.0)
    assert scores.micro.precision == pytest.approx(3 / 5)
    assert scores.micro.recall == pytest.approx(3 / 5)
    assert scores.macro == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)


def test_f1_is_what_its_definition_says() -> None:
    """Per label from the pairs of (truth, said), with whole numbers; labels that answers never hold are not in the mean."""
    chance = random.Random(2)
    labels = "abcde"
    turns = [
        (tuple(x for x in labels[:4] if chance.random() < 0.4), tuple(x for x in labels if chance.random() < 0.4))
        for _ in range(60)
    ]
    scores = Scores("choices")
    for truth, said in turns:
        scores.add(truth, said)
    found: dict[str, Fraction] = {}
    for label in labels:
        hits = sum(label in truth and label in said for truth, said in turns)
        precision = Fraction(hits, sum(label in said for _, said in turns))
        wanted = sum(label in truth for truth, _ in turns)
        recall = Fraction(hits, wanted) if wanted else Fraction(0)
        found[label] = 2 * precision * recall / (precision + recall) if hits else Fraction(0)
        assert scores.labels[label].f1 == pytest.approx(float(found[label]))
    assert scores.macro == pytest.approx(float(sum(found[x] for x in labels[:4]) / 4))
    hits = sum(len({*truth} & {*said}) for truth, said in turns)
    both = sum(len(truth) + len(said) for truth, said in turns)
    assert scores.micro.f1 == pytest.approx(2 * hits / both)


def test_pairs_are_right_with_their_value_only() -> None:
    counts = Scores("counts")
    counts.add((("Omission", 2), ("Wrong place", 1)), (("Wrong place", 1), ("Omission", 3)))
    assert counts.labels == {"Omission": Tally(0, 1, 1), "Wrong place": Tally(1, 0, 0)}
    assert counts.exact == 0
    entities = Scores("entities")
    entities.add((("OBS", "mass"), ("OBS", "mass"), ("ANAT", "lung")), (("ANAT", "lung"), ("OBS", "mass")))
    assert entities.labels == {"OBS": Tally(1, 0, 1), "ANAT": Tally(1, 0, 0)}


def test_texts_are_compared_with_their_white_space_squeezed() -> None:
    scores = Scores("text")
    assert scores.add("No  effusion.\n", " No effusion.")
    assert not scores.add("No effusion.", "No effusion")
    assert not scores.add("No effusion.", None)
    assert (scores.exact, scores.turns, scores.labels, scores.macro, scores.iou) == (1, 3, {}, None, None)


def test_boxes_on_paper() -> None:
    scores = Scores("boxes")
    truth = (Boxed("mass", 0.0, 0.0, 0.5, 1.0), Boxed("nodule", 0.0, 0.0, 0.1, 0.1))
    # 0.4 / 0.5 of the mass, the nodule with an IoU of 1/3 and once more where none is
    said = (
        Boxed("mass", 0.0, 0.0, 0.4, 1.0),
        Boxed("nodule", 0.05, 0.0, 0.15, 0.1),
        Boxed("nodule", 0.9, 0.9, 1.0, 1.0),
    )
    scores.add(truth, said)
    scores.add(truth[:1], truth[:1])
    scores.add((), ())
    assert scores.labels == {"mass": Tally(2, 0, 0), "nodule": Tally(0, 2, 1)}
    assert scores.iou == pytest.approx((0.8 + 1 / 3 + 1) / 3)
    assert scores.exact == 2
    assert scores.micro.f1 == pytest.approx(2 * 2 / (2 * 2 + 2 + 1))


def test_the_order_of_boxes_counts_for_nothing() -> None:
    boxes = (A, Boxed("mass", 0.1, 0.1, 0.6, 0.9), Boxed("nodule", 0.0, 0.0, 0.5, 1.0))
    for order in permutations(boxes):
        scores = Scores("boxes")
        assert scores.add(boxes, order)
        assert (scores.micro, scores.iou) == (Tally(3, 0, 0), 1.0)
