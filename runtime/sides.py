"""SIDES: which rule put an example on its side of the split, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import polars as pl

from cxrspec.compiler import declarations as d
from cxrspec.compiler.bodies import Context, expression
from cxrspec.compiler.pipeline import Compilation, Compiled
from cxrspec.compiler.typed import Apply, Const
from cxrspec.compiler.types import FLOAT, TEXT
from cxrspec.runtime import manifest
from cxrspec.runtime.again import Recipe
from cxrspec.runtime.wording import split_in_words

Look: TypeAlias = Callable[[str], pl.DataFrame | None]
"""The rows of a relation of the plan; None where the data is not at hand."""


def sides(
    compilation: Compilation,
    spec: Compiled | None,
    entry: manifest.Spec,
    row: Mapping[str, Any],
    recipe: Recipe,
    look: Look,
) -> Iterator[tuple[str, str]]:
    """What there is to say of an example's split: pairs of label and value.

    `look` is asked for the authority's rows, but only where nothing else tells who decided.
    """
    yield "split", str(row["split"])
    source = compilation.sources.get(entry.source)
    if spec is None or source is None:
        yield "rule", "not known: there is no such spec now"
        return
    who = str(row["patient_id"] or row["study_id"])
    space = compilation.spaces.get(str(row["space"]))
    own = bool(spec.spec.own_split) or "split" in spec.spec.overlaid or space is None
    if own:
        yield from _own(spec, source, who, recipe)
        return
    assert space is not None
    yield "space", f"`{space.name}`, which has one split for all its sources"
    if space.authority is not None:
        yield from _authority(compilation, space, entry)
    yield "otherwise", _rule(space.otherwise, f"space {space.name}", who, recipe.seed)
    told = _drawn_side(space.otherwise, f"space {space.name}", who, recipe.seed)
    if space.authority is None or space.name in recipe.silent:
        yield "decided by", "otherwise: nobody says more"
    elif told != row["split"]:
        yield "decided by", f"the authority: otherwise it would be {told}"
    else:
        by = "study" if row["patient_id"] is None else "patient"
        rows = look(f"space {space.name} by {by}")
        if rows is None:
            yield "decided by", "not known without the authority's rows: both may say so"
        elif who in rows[f"${by}"]:
            yield "decided by", f"the authority, which names the {by}"
        else:
            yield "decided by", f"otherwise: the authority does not name the {by}"


def _own(spec: Compiled, source: d.Source, who: str, recipe: Recipe) -> Iterator[tuple[str, str]]:
    """The split of the source that the spec names, or the only one there is."""
    name = spec.spec.split.name if spec.spec.split is not None else next(iter(source.splits), "")
    if name not in source.splits:
        yield "rule", "not known: the source has no such split now"
        return
    yield "rule", f"`{source.name}.{name}`: {_rule(source.splits[name], f'split {name}', who, recipe.seed)}"
    if spec.spec.own_split:
        yield "own split", spec.spec.own_split
    if recipe.mode == "published" and "split" in spec.spec.overlaid:
        yield "published", "the rule of the published row"


def _authority(compilation: Compilation, space: d.Space, entry: manifest.Spec) -> Iterator[tuple[str, str]]:
    """What the authority of a space says, and which files it was read from."""
    assert space.authority is not None
    owner, _, name = space.authority.name.partition(".")
    source = compilation.sources.get(owner)
    words = split_in_words(source.splits[name]) if source is not None and name in source.splits else "not known now"
    yield "authority", f"`{space.authority.name}`: {words}"
    tables = ", ".join(f"`{t}`" for one in entry.authorities if one.space == space.name for t in sorted(one.inputs))
    yield "read from", tables or "nothing: its files were absent, so that it says nothing"


def _rule(split: d.Split, site: str, who: str, seed: int) -> str:
    """A rule in words, with the draw where it is one."""
    if not isinstance(split, d.RatioSplit):
        return split_in_words(split)
    below, cuts = 0.0, list[str]()
    for word, share in split.shares:
        below += share
        cuts.append(f"below {below:g} {word}")
    return f"{split_in_words(split)} The draw of {who} at `{site}` is {_draw(site, who, seed):.6f}: {', '.join(cuts)}, else train."


def _drawn_side(split: d.ConstantSplit | d.RatioSplit, site: str, who: str, seed: int) -> str:
    if isinstance(split, d.ConstantSplit):
        return split.split
    drawn, below = _draw(site, who, seed), 0.0
    for word, share in split.shares:
        below += share
        if drawn < below:
            return word
    return "train"


def _draw(site: str, who: str, seed: int) -> float:
    """The draw of a patient (of a study, where no patient is known), in [0, 1)."""
    drawn = Apply("draw", (Const(who, TEXT), Const(site, TEXT)), FLOAT)
    return float(pl.DataFrame({"$id": [who]}).select(expression(drawn, Context(seed))).item())
