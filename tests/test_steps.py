"""What each step does to rows, on tables small enough to work out by hand, with what it loses on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import made_up
from .test_run import CELLS, spec_text, with_cells

ENGINES = ("in-memory", "streaming")
ROWS = [
    (1, "a", "x", "p", 10),
    (2, "a", "", "q", 20),
    (3, "b", "y", "r", 30),
    (4, "b", "", "s", 40),
    (5, "c", "", "t", 50),
]
WORDS = [("a", "w1", 1), ("a", "w2", 2), ("b", "", 3)]
SOURCE = CELLS.replace(
    "splits:",
    """\
  words:
    read: csv
    files: words.csv
    key: k
    columns: {g: text, word: text | null, k: int}
  groups:
    from: words
    steps:
      - group:
          by: g
          order: [k]
          take:
            words: list(word)
            rows: count()
            usual: most_common(word ?? "none")
            opening: first(word)
            numbers: list_unique(k)
            last: max(k)
            first: min(k)
  vocabulary:
    from: words
    steps:
      - group: {by: [], take: {all: list_unique(word ?? "-"), total: count()}}
  nested:
    from: cells
    steps:
      - derive: {pieces: 'split(g, "|")'}
      - group:
          by: g
          order: [n]
          take: {pieces: only(pieces), each_row: list(pieces), first_pieces: first(pieces), n: min(n), said: max(said)}
  doubled:
    from: cells
    steps:
      - select: [n, g, said]
      - union: shifted
  shifted:
    from: cells
    steps:
      - where: {late: n > 3}
      - select: [n, g, said]
      - derive: {n: n + 100}
splits:""",
)
APPLIES = "a form applies"


def made(
    data: Path, out: Path, change: str, engine: str = "streaming"
) -> tuple[dict[str, str], list[tuple[str, int, int]]]:
    """The answers by key, and the attrition, of the plain spec with this change."""
    compilation = with_cells(spec_text("Odd", change), source=SOURCE)
    result = made_up.make(data, out, compilation, select=["odd/cells"], engine=engine)
    assert not [d for d in result.diagnostics if d.severity == "error"]
    answers = {
        id.removeprefix("odd/cells/"): row["turns"][0]["answer"] for id, row in made_up.rows(out, "odd/cells").items()
    }
    (spec,) = result.manifest.specs
    return answers, [(step.step, step.rows_in, step.rows_out) for step in spec.attrition]


def write(data: Path, words: list[tuple[str, str, int]] = WORDS) -> Path:
    header = ("n", "g", "maybe", "said", "number")
    made_up.write_text(data / "cells" / "cells.csv", made_up.csv_text(header, ROWS))
    made_up.write_text(data / "cells" / "words.csv", made_up.csv_text(("g", "word", "k"), words))
    return data


SAID = {"1": "p", "2": "q", "3": "r", "4": "s", "5": "t"}
GROUPED = ("group by g", 3, 2)
CASES: dict[str, tuple[str, dict[str, str], list[tuple[str, int, int]]]] = {
    "semi": (
        "steps:\n  - join: {table: groups, on: g, kind: semi}\n",
        {n: said for n, said in SAID.items() if n != "5"},
        [GROUPED, ("groups", 5, 4), (APPLIES, 4, 4)],
    ),
    "anti": (
        "steps:\n  - join: {table: groups, on: g, kind: anti}\n",
        {"5": "t"},
        [GROUPED, ("not groups", 5, 1), (APPLIES, 1, 1)],
    ),
    "inner": (
        "steps:\n  - join: {table: groups, on: g, take: {many: rows}}\nbind: {said: text(many)}\n",
        {"1": "2", "2": "2", "3": "1", "4": "1"},
        [GROUPED, ("groups", 5, 4), (APPLIES, 4, 4)],
    ),
    "left, every aggregate": (
        "steps:\n  - join: {table: groups, on: g, kind: left}\n"
        'bind: {said: \'f"{usual ?? "x"} {opening ?? "y"} {rows ?? 0} {last ?? 0} {first ?? 0} {size(words ?? [])} '
        '{size(numbers ?? [])} {join(present(words ?? []), "|")}"\'}\n',
        {
            "1": "w1 w1 2 2 1 2 2 w1|w2",
            "2": "w1 w1 2 2 1 2 2 w1|w2",
            "3": "none y 1 3 3 1 1 ",
            "4": "none y 1 3 3 1 1 ",
            "5": "x y 0 0 0 0 0 ",
        },
        [GROUPED, (APPLIES, 5, 5)],
    ),
    "many rows": (
        "steps:\n  - join: {table: words, on: g, take: [k], many: yes}\nkey: [n, k]\n",
        {"1/1": "p", "1/2": "p", "2/1": "q", "2/2": "q", "3/3": "r", "4/3": "s"},
        [("join words", 5, 7), ("words", 7, 6), (APPLIES, 6, 6)],
    ),
    "many rows or none": (
        "steps:\n  - join: {table: words, on: g, take: [k], many: yes, kind: left}\nkey: [n, k ?? 0]\n",
        {"1/1": "p", "1/2": "p", "2/1": "q", "2/2": "q", "3/3": "r", "4/3": "s", "5/0": "t"},
        [("join words", 5, 7), (APPLIES, 7, 7)],
    ),
    "one row for all": (
        'steps:\n  - join: {table: vocabulary, on: []}\nbind: {said: \'f"{join(all, "+")} {total}"\'}\n',
        dict.fromkeys(SAID, "-+w1+w2 3"),
        [("group by nothing", 3, 1), ("vocabulary", 5, 5), (APPLIES, 5, 5)],
    ),
    "explode": (
        "steps:\n  - derive: {l: 'where([said, g, said], it != \"c\")'}\n"
        "  - explode: {column: l, as: item, position: at}\nkey: [n, at]\nbind: {said: item}\n",
        {
            f"{n}/{at}": item
            for n, said in SAID.items()
            for at, item in enumerate([said, *("aabb"[int(n) - 1] if n != "5" else ""), said])
        },
        [("explode l", 5, 14), (APPLIES, 14, 14)],
    ),
    "explode to nothing": (
        "steps:\n  - derive: {l: 'where([g], it == \"a\")'}\n  - explode: {column: l, as: item}\nbind: {said: item}\n",
        {"1": "a", "2": "a"},
        [("explode l", 5, 2), (APPLIES, 2, 2)],
    ),
    "group in a spec": (
        "steps:\n  - group: {by: n, order: [said], take: {said: first(said)}}\n",
        SAID,
        [("group by n", 5, 5), (APPLIES, 5, 5)],
    ),
    "lists in groups": (
        'from: nested\nbind: {said: \'f"{join(concat(pieces, first_pieces), "&")} {size(each_row)}"\'}\n',
        {"1": "a&a 2", "3": "b&b 2", "5": "c&c 1"},
        [("group by g", 5, 3), (APPLIES, 3, 3)],
    ),
    "union": (
        "from: doubled\n",
        SAID | {"104": "s", "105": "t"},
        [("late", 5, 2), ("union cells.shifted", 5, 7), (APPLIES, 7, 7)],
    ),
    "unpivot": (
        "steps:\n  - unpivot: {columns: [maybe, said], name: column, value: cell}\n"
        "key: [n, column]\nbind: {said: 'cell ?? \"none\"'}\n",
        {f"{n}/said": said for n, said in SAID.items()}
        | {f"{n}/maybe": {"1": "x", "3": "y"}.get(n, "none") for n in SAID},
        [("unpivot maybe, said", 5, 10), (APPLIES, 10, 10)],
    ),
    "unpivot of a constant": (
        "constants: {both: [n, number]}\n"
        "steps:\n  - derive: {key: n}\n  - unpivot: {columns: both, name: column, value: cell}\n"
        "key: [key, column]\nbind: {said: text(cell)}\n",
        {f"{n}/n": n for n in SAID} | {f"{n}/number": f"{n}0" for n in SAID},
        [("unpivot n, number", 5, 10), (APPLIES, 10, 10)],
    ),
    "lag": (
        'steps:\n  - lag: {by: g, order: [n], take: {before: said, its: n}}\nbind: {said: \'f"{before} {its}" ?? "none"\'}\n',
        {"1": "none", "2": "p 1", "3": "none", "4": "r 3", "5": "none"},
        [(APPLIES, 5, 5)],
    ),
    "lag backwards over all rows": (
        'steps:\n  - lag: {by: [], order: [-n], take: {before: said}}\nbind: {said: before ?? "none"}\n',
        {"1": "q", "2": "r", "3": "s", "4": "t", "5": "none"},
        [(APPLIES, 5, 5)],
    ),
    "lag: who left is no row before": (
        "steps:\n  - where: {later: n > 1}\n  - lag: {by: g, order: [n], take: {before: said}}\n"
        '  - where: {last: n > 3}\nbind: {said: before ?? "none"}\n',
        {"4": "r", "5": "none"},
        [("later", 5, 4), ("last", 4, 2), (APPLIES, 2, 2)],
    ),
    "lag: who has no order has no row before and is none": (
        'steps:\n  - lag: {by: [], order: [maybe], take: {before: said}}\nbind: {said: before ?? "none"}\n',
        {"1": "none", "2": "none", "3": "p", "4": "none", "5": "none"},
        [(APPLIES, 5, 5)],
    ),
    "lag: who has no group has no row before": (
        'steps:\n  - lag: {by: maybe, order: [n], take: {before: said}}\nbind: {said: before ?? "none"}\n',
        dict.fromkeys(SAID, "none"),
        [(APPLIES, 5, 5)],
    ),
    "a draw in a step": (
        'steps:\n  - derive: {c: \'choose(["p", "q"]) ?? "z"\'}\n  - where:\n      drawn: c in ["p", "q"]\n',
        SAID,
        [("drawn", 5, 5), (APPLIES, 5, 5)],
    ),
    "null in a list is false": (
        'where:\n  known: maybe in ["x", "y"]\n',
        {"1": "p", "3": "r"},
        [("known", 5, 2), (APPLIES, 2, 2)],
    ),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", CASES)
def test_steps(case: str, engine: str, tmp_path: Path) -> None:
    change, answers, attrition = CASES[case]
    found, losses = made(write(tmp_path / "data"), tmp_path / "out", change, engine)
    assert found == answers
    assert [step for step in losses if step != ("where", 5, 5)] == attrition


@pytest.mark.parametrize("kind", ["inner", "left", "semi"])
def test_one_row_of_an_empty_table(kind: str, tmp_path: Path) -> None:
    """No rows make no row, and who asks for it loses his: counted, not in silence."""
    change = f"steps:\n  - join: {{table: vocabulary, on: [], kind: {kind}}}\n"
    found, losses = made(write(tmp_path / "data", []), tmp_path / "out", change)
    assert found == (SAID if kind == "left" else {})
    assert ("vocabulary", 5, 0) in losses or kind == "left"
