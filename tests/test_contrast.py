"""Drawn rows below given ones, against a ring in plain Python: whom they show, whose they are, and what moves when a row leaves."""

from __future__ import annotations

import json
import random
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from cxrspec.compiler.pipeline import Compilation
from cxrspec.runtime.request import Result

from . import made_up
from .oracle import prompts
from .test_soundness import REP, compiled, source, spec

SEED = 9
draw = cache(prompts.draw)
ENGINES = ("in-memory", "streaming")
FINDINGS = ("a", "b", "c", "everywhere")
TABLES = """
  findings:
    read: csv
    files: findings.csv
    columns: {image: text, finding: text}
  pictures:
    from: images
    steps:
      - join: {table: said, on: image, kind: left}
      - derive: {said: 'said ?? []', path: 'f"{image}.png"'}
  said:
    from: findings
    steps:
      - group: {by: image, take: {said: list_unique(finding)}}
  classes:
    from: findings
    steps:
      - join: {table: pictures, on: image, take: [patient, study, split_of, path]}
      - derive: {number: 'int(part(image, "-", 1) ?? "0")'}
"""
STEP = """\
steps:
  - contrast:
      pool: pictures
      lacks: finding in pool.said
      take: [image, patient, study, path]
      set: {number: '0'}
      mark: {column: drawn_for, from: number}
"""
LAB = source(TABLES, "given: {column: split_of}", images="{image: text, patient: int, study: int, split_of: split}")
BOUND = """\
key: [image, finding, drawn_for]
bind: {report: 'f"{path} {finding} {number}"'}
"""
CONTRAST = spec(STEP + BOUND, "classes")

Images: TypeAlias = dict[str, tuple[int, int, str]]
"""Patient, study and split of an image."""


def world(count: int = 60, seed: int = 1) -> tuple[Images, list[tuple[str, str]]]:
    """Images of patients who stand on one side each, and what is found in them; one finding is in every image."""
    chance = random.Random(seed)
    images = {f"i-{n}": (n // 2, n, ("train", "train", "val", "test")[n // 2 % 4]) for n in range(count)}
    found = [
        (image, finding) for image in images for finding in FINDINGS if finding == "everywhere" or chance.random() < 0.3
    ]
    return images, found


def run(
    folder: Path,
    images: Images,
    found: Sequence[tuple[str, str]],
    compilation: Compilation,
    shuffle: int | None = None,
    **asked: Any,
) -> Result:
    rows, lines = [(image, *rest) for image, rest in images.items()], list(found)
    if shuffle is not None:
        random.Random(shuffle).shuffle(rows)
        random.Random(shuffle).shuffle(lines)
    header = ("image", "patient", "study", "split_of")
    made_up.write_text(folder / "data/lab/images.csv", made_up.csv_text(header, rows))
    made_up.write_text(folder / "data/lab/findings.csv", made_up.csv_text(("image", "finding"), lines))
    return made_up.make(folder / "data", folder / "out", compilation, seed=SEED, **asked)


def ring(
    images: Images, found: Sequence[tuple[str, str]], point: Callable[[str, str], int] | None = None
) -> dict[tuple[str, str], str]:
    """The image that is drawn for each (image, finding): the first at or behind its point, of its split, without the finding."""
    drawn: dict[tuple[str, str], str] = {}
    has = frozenset(found)
    for image, finding in found:
        pool = sorted(
            (draw(SEED, other, finding, "drawn_for"), other)
            for other, (_, _, split) in images.items()
            if split == images[image][2] and (other, finding) not in has
        )
        if pool:
            at = draw(SEED, f"{REP}/{image}/{finding}/", "drawn_for")
            drawn[image, finding] = pool[bisect_left(pool, (at, "")) % len(pool)][1]
    return drawn


def examples(out: Path) -> dict[str, tuple[str, str | None, str, str]]:
    """Split, patient, study and answer by id."""
    return {
        id: (row["split"], row["patient_id"], row["study_id"], json.loads(row["target"]))
        for id, row in made_up.rows(out, REP).items()
    }


def expected(images: Images, found: Sequence[tuple[str, str]]) -> dict[str, tuple[str, str, str, str]]:
    told: dict[str, tuple[str, str, str, str]] = {}
    drawn = ring(images, found)
    for image, finding in found:
        number = int(image.partition("-")[2])
        rows = [(image, "", number)]
        if (image, finding) in drawn:
            rows.append((drawn[image, finding], str(number), 0))
        for shown, mark, said in rows:
            patient, study, split = images[shown]
            who = split, f"lab/{patient}", f"lab/{study}"
            told[f"{REP}/{shown}/{finding}/{mark}"] = (*who, f"{shown}.png {finding} {said}")
    return told


@pytest.mark.parametrize("engine", ENGINES)
def test_a_drawn_row_is_of_the_split_lacks_the_finding_and_is_about_its_own_patient(
    tmp_path: Path, engine: str
) -> None:
    images, found = world()
    result = run(tmp_path, images, found, compiled(LAB, CONTRAST), engine=engine)
    assert not result.diagnostics
    told = expected(images, found)
    assert examples(tmp_path / "out") == told
    assert {split for split, *_ in told.values()} == {"train", "val", "test"}
    steps = {a.step: (a.rows_in, a.rows_out) for a in result.manifest.specs[0].attrition}
    assert steps["contrast pictures"] == (len(found), 2 * len(found))
    assert steps["drawn from pictures"] == (2 * len(found), len(told))
    assert 2 * len(found) - len(told) == sum(finding == "everywhere" for _, finding in found)


def test_the_order_of_rows_does_not_show(tmp_path: Path) -> None:
    images, found = world()
    made = compiled(LAB, CONTRAST)
    for shuffle in (None, 1, 2):
        run(tmp_path / str(shuffle), images, found, made, shuffle)
    one, *others = (made_up.data_files(tmp_path / str(shuffle) / "out") for shuffle in (None, 1, 2))
    assert one
    assert others == [one, one]


def test_what_leaves_the_pool_moves_its_neighbours_only(tmp_path: Path) -> None:
    """A row for which the one that left was drawn gets the next; all others keep theirs."""
    images, found = world(400, 3)
    gone = ring(images, found)[found[0]]
    less = {image: rest for image, rest in images.items() if image != gone}
    rest = [(image, finding) for image, finding in found if image != gone]
    before, after = ring(images, found), ring(less, rest)
    moved = {pair for pair in after if after[pair] != before[pair]}
    assert moved == {pair for pair, drawn in before.items() if drawn == gone and pair[0] != gone}
    assert 0 < len(moved) < 10
    assert not run(tmp_path, less, rest, compiled(LAB, CONTRAST)).diagnostics
    assert examples(tmp_path / "out") == expected(less, rest)


def test_an_empty_pool_gives_no_row(tmp_path: Path) -> None:
    images, _ = world(8)
    everywhere = [(image, "everywhere") for image in images]
    result = run(tmp_path, images, everywhere, compiled(LAB, CONTRAST))
    assert not result.diagnostics
    assert {id.rpartition("/")[2] for id in examples(tmp_path / "out")} == {""}


def test_rows_alone_of_their_split(tmp_path: Path) -> None:
    """A pool is that of the row's split: what other splits hold is not drawn."""
    images: Images = {"i-1": (1, 1, "train"), "i-2": (2, 2, "val"), "i-3": (3, 3, "val")}
    result = run(tmp_path, images, [("i-1", "a"), ("i-2", "b")], compiled(LAB, CONTRAST))
    assert not result.diagnostics
    assert set(examples(tmp_path / "out")) == {f"{REP}/i-1/a/", f"{REP}/i-2/b/", f"{REP}/i-3/b/2"}


def test_the_split_of_the_pool_is_that_of_its_space(tmp_path: Path) -> None:
    """No drawn row stands on another side than its patient, whoever says the side."""
    home = source(
        "  listed: {read: csv, files: listed.csv, columns: {patient: int, study: int, part: split}}",
        "official: {table: listed, column: part}",
        name="home",
    )
    spaces = "# file: spaces.yaml\nkind: spaces\nspaces:\n  lab: {authority: home.official, otherwise: {ratio: {test: 0.5}}}\n"
    images, found = world(200, 4)
    listed = [(n, n, ("train", "val")[n % 2]) for n in range(0, 100, 3)]
    made_up.write_text(tmp_path / "data/home/listed.csv", made_up.csv_text(("patient", "study", "part"), listed))
    result = run(tmp_path, images, found, compiled(LAB, home, spaces, CONTRAST))
    assert not result.diagnostics  # a patient on two sides would be one
    sides: Images = {image: (patient, study, side(patient)) for image, (patient, study, _) in images.items()}
    assert examples(tmp_path / "out") == expected(sides, found)


def side(patient: int) -> str:
    if patient % 3 == 0:
        return ("train", "val")[patient % 2]
    return "test" if draw(SEED, f"lab/{patient}", "space lab") / 2**64 < 0.5 else "train"


def test_a_draw_behind_is_that_of_the_drawn_row(tmp_path: Path) -> None:
    images, found = world(20)
    more = "  - derive:\n      heads: chance(0.5)\n"
    bound = BOUND.replace("{number}", '{if heads then "heads" else "tails"}')
    assert not run(tmp_path, images, found, compiled(LAB, spec(STEP + more + bound, "classes"))).diagnostics
    told = examples(tmp_path / "out")
    assert told.keys() == expected(images, found).keys()
    for id, (*_, answer) in told.items():
        assert answer.endswith("heads" if draw(SEED, id, "heads") / 2**64 < 0.5 else "tails")


def test_a_published_id_carries_its_split_and_so_does_the_point(tmp_path: Path) -> None:
    images, found = world(20)
    overlay = "published: {row: [Rep, Lab], because: the same}\n"
    files = "# published\n", LAB, spec(STEP + overlay + BOUND, "classes")
    assert not run(tmp_path, images, found, compiled(*files), published=True).diagnostics
    for image, finding in found:
        split = images[image][2]
        pool = sorted(
            (draw(SEED, other, finding, "drawn_for"), other)
            for other, (_, _, where) in images.items()
            if where == split and (other, finding) not in found
        )
        at = draw(SEED, f"{REP}/{split}/{image}/{finding}/", "drawn_for")
        ids = [f"{REP}/{split}/{image}/{finding}/"]
        if pool:
            drawn = pool[bisect_left(pool, (at, "")) % len(pool)][1]
            ids.append(f"{REP}/{split}/{drawn}/{finding}/{image.partition('-')[2]}")
        assert all(id in examples(tmp_path / "out") for id in ids)
