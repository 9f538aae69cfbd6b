"""Sharing out numbers: published counts at any scale, rows among groups, groups whose sizes meet a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def apportion(published: Sequence[int], total: int) -> list[int]:
    """Shares of `total` in the proportions of the published counts, by largest remainder.

    Only what is 0 stays 0, as long as there is enough for all: what is rare is planted at every scale.

    >>> apportion([60_361, 51_759], 112_120), apportion([990, 9, 1], 10), apportion([2, 5, 3, 0], 2)
    ([60361, 51759], [8, 1, 1], [0, 1, 1, 0])
    """
    exact = [count * total / sum(published) for count in published]
    shares = [max(int(share), min(count, 1)) for share, count in zip(exact, published, strict=True)]
    places = range(len(published))
    for place in sorted(places, key=lambda place: shares[place] - exact[place])[: max(0, total - sum(shares))]:
        shares[place] += 1
    while sum(shares) > total:
        shares[max(places, key=lambda place: (shares[place], -published[place]))] -= 1
    return shares


def shuffled(draws: np.random.Generator, values: Sequence[str], published: Sequence[int], total: int) -> list[str]:
    """So many values in random order, each as often as `apportion` says."""
    names = np.repeat(np.array(values, dtype=object), apportion(published, total))
    drawn: list[str] = draws.permutation(names).tolist()
    return drawn


def deal(draws: np.random.Generator, total: int, parts: int, least: int = 1) -> Ints:
    """Numbers that sum up to `total`, none below `least`: many small, a few large (weights from a gamma of shape 1/2)."""
    weights = draws.gamma(0.5, size=parts)
    return least + draws.multinomial(total - least * parts, weights / weights.sum())


def ensure(sizes: Ints, place: int, least: int) -> None:
    """Let one group have at least so many members, at the cost of the largest other ones; the sum stays."""
    while sizes[place] < least:
        others = sizes.copy()
        others[place] = 0
        sizes[others.argmax()] -= 1
        sizes[place] += 1


def fill(draws: np.random.Generator, sizes: Ints, total: int) -> npt.NDArray[np.bool_]:
    """Random groups whose sizes sum up to exactly `total`: a mask of the groups.

    Groups are taken in random order as long as they fit; groups of size 1 make up the rest.

    Raises:
        ValueError: there are too few groups of size 1 for that.
    """
    if 2 * total > sizes.sum():  # more groups are left when those outside are chosen
        return ~fill(draws, sizes, int(sizes.sum()) - total)
    order = draws.permutation(len(sizes))
    fits = np.cumsum(sizes[order]) <= total
    left = order[~fits]
    rest = total - int(sizes[order[fits]].sum())
    ones = left[sizes[left] == 1][:rest]
    if len(ones) < rest:
        raise ValueError(f"no groups meet {total}")
    mask = np.zeros(len(sizes), dtype=np.bool_)
    mask[order[fits]] = True
    mask[ones] = True
    return mask


def unequal(counts: Mapping[int, int], total: int) -> Ints:
    """Sizes of `total` groups, in the proportions of how many groups there are of each size."""
    return np.repeat(np.array(list(counts)), apportion(list(counts.values()), total))
