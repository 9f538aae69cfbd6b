"""Two examples of each spec, as people read them: tests/golden/examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from . import made_up
from .conftest import Golden
from .corpus import compilation, corpus


def readable(row: dict[str, Any]) -> Iterator[str]:
    yield f"{row['id']}  [{row['split']}]"
    yield f"  patient {row['patient_id']}, study {row['study_id']}"
    for image, size in zip(row["images"], row["sizes"] or [None] * len(row["images"]), strict=True):
        yield f"  image {image}" + (f" ({size['width']} x {size['height']})" if size else "")
    for turn in row["turns"]:
        yield f"  {turn['form']}"
        yield from (f"    > {line}" for line in turn["prompt"].split("\n"))
        yield from (f"    < {line}" for line in turn["answer"].split("\n"))
    yield f"  target {row['target']}"
    for box in row["boxes"]:
        corners = ", ".join(f"{box[side]:.4f}" for side in ("x1", "y1", "x2", "y2"))
        yield f"  box {box['label']}: {corners}"
    if row["origin"]:
        yield f"  origin {', '.join(row['origin'])}"


@pytest.mark.parametrize("name", sorted(compilation().specs))
def test_two_examples(name: str, golden: Golden) -> None:
    rows = made_up.rows(corpus(1).out, name)
    ids = sorted(rows)
    chosen = [ids[0], ids[len(ids) // 2]]
    golden(f"examples/{name.replace('/', '.')}", "\n\n".join("\n".join(readable(rows[id])) for id in chosen))
