"""Corners in which the compiler once proved too much, or the runtime once did too little: each stays closed.

The rows of a small made-up lab are four images of three studies; every count and every draw is worked out by hand or
by the documented formula.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import pytest

from cxrspec.compiler.pipeline import Compilation, compile
from cxrspec.runtime.request import Result

from . import made_up
from .case_files import UNUSED, case, findings
from .oracle.prompts import draw, unit
from .test_cases import drawn
from .test_cli import cxrspec

ROWS = [("a", 1, 1, "PA"), ("b", 1, 1, ""), ("c", 2, 2, "AP"), ("d", 3, 3, "LL")]
HEADER = ("image", "patient", "study", "view")
IMAGES = "{image: text, patient: int, study: int, view: text | null}"
IDENTITY = "{space: lab, patient: patient, study: study}"
REP = "rep/lab"

Tables: TypeAlias = Mapping[str, Sequence[Sequence[object]]]


def source(
    tables: str = "",
    splits: str = "all: {constant: test}",
    *,
    name: str = "lab",
    identity: str = IDENTITY,
    images: str = IMAGES,
    use: str = "{access: open}",
) -> str:
    """A source with the table `images`, and more tables."""
    return f"""\
# file: sources/{name}.yaml
kind: source
name: {name}
title: A made-up set
use: {use}
license: CC0 1.0
identity: {identity}
tables:
  images:
    read: csv
    files: images.csv
    key: image
    columns: {images}
{tables.strip(chr(10))}
splits:
  {splits}
"""


def spec(body: str = "key: image\nbind: {report: image}", start: str = "images", turns: str = "", **more: str) -> str:
    """A spec that writes one text for each row of `start`."""
    inputs = more.get("inputs", "{report: text}")
    asked = turns or "  - prompt: Write a report.\n    answer: {format: text, text: report}"
    of = more.get("source", "lab")
    return f"""\
# file: tasks/rep/{of}.yaml
kind: spec
name: Rep
source: {of}
from: {start}
inputs: {inputs}
{body.strip(chr(10))}
turns:
{asked.strip(chr(10))}
"""


def compiled(*texts: str) -> Compilation:
    """These files alone; their findings are exactly those that their comments expect, but for what is never used."""
    together = case("".join(texts))
    compilation = compile([*together.files, made_up.licenses()], together.published)
    said = {place: n for place, n in findings(compilation).items() if place[3] not in UNUSED}
    assert said == together.expected, drawn(compilation)
    return compilation


def refused(*texts: str) -> None:
    """These files have findings, where expected, and the spec has no plan."""
    compilation = compiled(*texts)
    assert compilation.diagnostics
    assert compilation.specs[REP].plan is None


def run(
    folder: Path, compilation: Compilation, tables: Tables | None = None, seed: int = 1, limit: int | None = None
) -> Result:
    """Run all specs; `tables` are rows by `<source>/<table>`, the header first, in place of `ROWS`."""
    for name, rows in (tables or images_of(*ROWS)).items():
        made_up.write_text(folder / "data" / f"{name}.csv", made_up.csv_text([str(name) for name in rows[0]], rows[1:]))
    return made_up.make(folder / "data", folder / "out", compilation, seed=seed, limit=limit)


def answers(folder: Path, name: str = REP) -> dict[str, str]:
    """The first answer of every example, by the last part of its id."""
    rows = made_up.rows(folder / "out", name)
    return {id.rpartition("/")[2]: row["turns"][0]["answer"] for id, row in rows.items()}


def splits(folder: Path, name: str = REP) -> dict[str, str]:
    return {id.rpartition("/")[2]: row["split"] for id, row in made_up.rows(folder / "out", name).items()}


def patients(count: int) -> list[tuple[object, ...]]:
    """One image and study for each patient."""
    return [HEADER, *((f"i{n}", n, n, "PA") for n in range(count))]


def images_of(*rows: tuple[object, ...]) -> Tables:
    return {"lab/images": [HEADER, *rows]}


# ---- what hangs on a table that could not be made has no plan, and says no more

OTHER = """
  t:
    read: csv
    files: t.csv
    key: image
    columns: {image: text, patient: int, study: int, view: text | null}
"""
UNREADABLE = "# file: sources/other.yaml\nkind: source\nname: other\n  x: [  # error: CXR001\n"
UNMADE = {
    "no start": source("  t:\n    from: t9  # error: CXR210", name="other"),
    "no columns": source("  t:\n    from: images\n    steps:\n      - select: [imag]  # error: CXR203", name="other"),
    "a bad filter": source(
        "  t:\n    from: images\n    steps:\n      - where: nope == 1  # error: CXR203", name="other"
    ),
    "unreadable": UNREADABLE,
}
JOINS = {
    "inner": "join: {table: other.t, on: image, take: {seen: view}}",
    "left": "join: {table: other.t, on: image, take: {seen: view}, kind: left}",
    "semi": "join: {table: other.t, on: image, kind: semi}",
    "anti": "join: {table: other.t, on: image, kind: anti}",
}


def reporting(join: str) -> str:
    """Key and bindings; what a left join brings is used, else the plan would do without the join."""
    return "key: image\nbind: {report: %s}" % ("'seen ?? image'" if join == "left" else "image")


@pytest.mark.parametrize("unmade", UNMADE)
@pytest.mark.parametrize("join", JOINS)
def test_a_join_to_a_table_that_could_not_be_made(unmade: str, join: str) -> None:
    refused(source(), spec(f"steps:\n  - {JOINS[join]}\n{reporting(join)}"), UNMADE[unmade])


@pytest.mark.parametrize("unmade", UNMADE)
@pytest.mark.parametrize("step", [*JOINS, "union"])
def test_a_table_made_from_one_that_could_not_be_made(unmade: str, step: str) -> None:
    kept = f"  kept:\n    from: images\n    steps:\n      - {JOINS.get(step, 'union: other.t')}"
    refused(source(kept), spec(reporting(step), start="kept"), UNMADE[unmade])


def test_all_columns_of_a_table_that_could_not_be_made() -> None:
    steps = (
        "steps:\n  - join: {table: other.t, on: image}\n  - where: unheard == 1\nkey: image\nbind: {report: unheard}"
    )
    refused(source(), spec(steps), UNREADABLE)


# ---- the column `split`


def parts(type: str) -> str:
    return (
        f"  parts:\n    read: csv\n    files: parts.csv\n    key: patient\n    columns: {{patient: int, part: {type}}}"
    )


def test_the_split_of_another_table_is_of_type_split(tmp_path: Path) -> None:
    refused(source(parts("text"), "all: {table: parts, column: part}  # error: CXR418"), spec())
    made = compiled(source(parts("split"), "all: {table: parts, column: part}"), spec())
    named = [("patient", "part"), (1, "train"), (2, "val"), (3, "test")]
    result = run(tmp_path, made, {"lab/images": [HEADER, *ROWS], "lab/parts": named})
    assert not result.diagnostics
    assert splits(tmp_path) == {"a": "train", "b": "train", "c": "val", "d": "test"}
    assert {s: n.rows for s, n in result.manifest.specs[0].splits.items()} == {"train": 2, "val": 1, "test": 1}


@pytest.mark.parametrize(
    "step",
    [
        "derive: {split: '\"train\"'}",
        "join: {table: again, on: image, take: {split: view}}",
        "explode: {column: letters, as: split}",
        "explode: {column: letters, as: letter, position: split}",
        "group: {by: image, take: {split: only(split)}}",
    ],
)
def test_no_step_of_a_spec_makes_the_split(step: str) -> None:
    again = "  again:\n    from: images\n    steps:\n      - derive: {letters: 'split(image, \"-\")'}"
    refused(source(again), spec(f"steps:\n  - {step}  # error: CXR404\nkey: image\nbind: {{report: image}}", "again"))


def test_the_split_may_be_selected_and_read(tmp_path: Path) -> None:
    made = compiled(source(), spec("steps:\n  - select: [image, split]\nkey: image\nbind: {report: text(split)}"))
    assert not run(tmp_path, made).diagnostics
    assert answers(tmp_path) == dict.fromkeys("abcd", "test")


# ---- one side


def test_a_study_on_two_sides_whose_patient_is_known_in_one_row_only(tmp_path: Path) -> None:
    columns = IMAGES.replace("patient: int", "patient: int | null")
    made = compiled(source(splits="half: {ratio: {val: 0.5}}", images=columns), spec())
    known, unknown = [(f"k{n}", n, n + 100, "") for n in range(40)], [(f"u{n}", "", n + 100, "") for n in range(40)]
    result = run(tmp_path, made, images_of(*known, *unknown))  # drawn by patient, and by study
    assert made_up.codes(result) == [("CXR813", REP)]
    assert not (tmp_path / "out").exists()


def test_a_study_on_two_sides_in_two_sources_of_which_one_knows_no_patient(tmp_path: Path) -> None:
    other = source(name="other", identity="{space: lab, patient: none, study: study}")
    made = compiled(source(splits="all: {constant: train}"), other, spec(), spec(source="other"))
    result = run(tmp_path, made, {"lab/images": [HEADER, *ROWS], "other/images": [HEADER, *ROWS]})
    assert made_up.codes(result) == [("CXR813", "rep/lab"), ("CXR813", "rep/other")]
    assert not (tmp_path / "out").exists()


# ---- a split out of another


def test_a_ratio_out_of_a_ratio_draws_on_its_own(tmp_path: Path) -> None:
    both = "first: {ratio: {test: 0.3}}\n  second: {ratio: {val: 0.3}, out_of: {first: train}}"
    made = compiled(source(splits=both), spec("split: second\nkey: image\nbind: {report: image}"))
    assert not run(tmp_path, made, {"lab/images": patients(2000)}, seed=5).diagnostics

    def expected(who: str) -> str:
        if unit(draw(5, who, "split first")) < 0.3:
            return "test"
        return "val" if unit(draw(5, who, "split second")) < 0.3 else "train"

    found = splits(tmp_path)
    assert found == {f"i{n}": expected(f"lab/{n}") for n in range(2000)}
    assert 350 < Counter(found.values())["val"] < 490  # of 2,000 x 0.7 x 0.3 = 420


@pytest.mark.parametrize(
    "circle",
    [
        "a: {ratio: {test: 0.3}, out_of: {a: train}}  # error: CXR420",
        "a: {ratio: {test: 0.3}, out_of: {b: train}}  # error: CXR420\n  b: {ratio: {val: 0.3}, out_of: {a: train}}",
        "c: {ratio: {test: 0.3}, out_of: {b: train}}\n  b: {ratio: {val: 0.3}, out_of: {a: train}}\n"
        "  a: {ratio: {val: 0.3}, out_of: {c: train}}  # error: CXR420",
    ],
)
@pytest.mark.parametrize("asked", ["a", "tail"])
def test_a_split_made_out_of_itself(circle: str, asked: str) -> None:
    tail = f"{circle}\n  tail: {{ratio: {{val: 0.1}}, out_of: {{a: train}}}}"
    refused(source(splits=tail), spec(f"split: {asked}\nkey: image\nbind: {{report: image}}"))


def test_a_list_names_keys_of_the_type_of_the_rows() -> None:
    listed = "  listed:\n    read: csv\n    files: listed.csv\n    columns: {study: text}"
    asked = "split: all  # error: CXR405\nkey: image\nbind: {report: image}"
    refused(source(listed, "all: {lists: {train: listed}, key: study}"), spec(asked))
    other = parts("split").replace("patient: int", "patient: text")
    refused(source(other, "all: {table: parts, column: part}"), spec(asked))


# ---- identity


def test_an_identity_that_no_row_can_use_saves_no_study() -> None:
    own = "[{space: lab, patient: patient, study: study}, {space: own, patient: none, study: other}]"
    elsewhere = "  elsewhere:\n    read: csv\n    files: elsewhere.csv\n    columns: {other: text}"
    columns = IMAGES.replace("study: int", "study: int | null")
    refused(source(elsewhere, identity=own, images=columns), spec(start="images  # error: CXR416"))


# ---- explode and its key

LETTERS = "  letters:\n    from: images\n    steps:\n      - derive: {{letters: 'split(image, \"-\")'}}\n      - {}"


def test_exploding_a_column_of_the_key_leaves_no_key(tmp_path: Path) -> None:
    group = "group: {by: letters, take: {patient: only(patient), study: only(study)}}"
    table = LETTERS.format(f"{group}\n      - explode: {{column: letters, position: place}}")
    made = compiled(source(table), spec("key: [letters, place]\nbind: {report: letters}", start="letters"))
    result = run(tmp_path, made, images_of(("x-y", 1, 1, ""), ("x-z", 1, 1, "")))  # (x, 0) twice
    assert made_up.codes(result) == [("CXR751", REP)]


@pytest.mark.parametrize("name", ["letters", "letter"])
def test_the_position_of_an_item_has_a_name_of_its_own(name: str) -> None:
    explode = f"explode: {{column: letters, as: letter, position: {name}}}  # error: CXR404"
    refused(source(LETTERS.format(explode)), spec(start="letters"))


# ---- groups


@pytest.mark.parametrize("aggregate", ["min", "max", "most_common"])
@pytest.mark.parametrize("whole", ["record(a = image)", "split(image, '-')"])
def test_records_and_lists_are_not_compared(aggregate: str, whole: str) -> None:
    table = f"""
  made:
    from: images
    steps:
      - derive:
          whole: {whole.replace("'", '"')}
      - group: {{by: study, take: {{patient: only(patient), one: {aggregate}(whole)}}}}  # error: CXR304
"""
    refused(source(table), spec("key: study\nbind: {report: text(study)}", start="made"))


def test_what_an_order_asserts_is_checked(tmp_path: Path) -> None:
    take = "take: {patient: only(patient), one: first(image)}"
    table = f"  made:\n    from: images\n    steps:\n      - group: {{by: study, order: [must(view), image], {take}}}"
    made = compiled(source(table), spec("key: study\nbind: {report: one}", start="made"))
    assert made_up.codes(run(tmp_path, made)) == [("CXR751", REP)]
    assert not run(tmp_path, made, images_of(*[row for row in ROWS if row[3]])).diagnostics
    assert answers(tmp_path) == {"1": "a", "2": "c", "3": "d"}


TWICE = [
    "select: [image, patient, study, image]",
    "group: {by: [study, study], take: {patient: only(patient), image: min(image)}}",
    "group: {by: study, take: {study: only(study), patient: only(patient), image: min(image)}}",
]


@pytest.mark.parametrize("step", TWICE)
def test_a_column_is_named_once(step: str) -> None:
    table = f"  made:\n    from: images\n    steps:\n      - {step}  # error: CXR404"
    refused(source(table), spec(start="made"))
    refused(source(), spec(f"steps:\n  - {step}  # error: CXR404\nkey: image\nbind: {{report: image}}"))


# ---- terms

OPEN = "{access: open, redistribute: yes, commercial: yes, external_services: yes}"
CLOSED = source(name="closed", use="{access: credentialed, redistribute: no}")


def test_a_picture_of_another_source_brings_its_terms(tmp_path: Path) -> None:
    bind = 'key: image\nbind: {report: image, images: \'[image(f"{image}.png", "closed")]\'}'
    made = compiled(source(use=OPEN), CLOSED, spec(bind, inputs="{report: text, images: list of image}"))
    terms_are_closed(run(tmp_path, made))


def test_a_table_of_another_source_brings_its_terms(tmp_path: Path) -> None:
    steps = "steps:\n  - join: {table: closed.images, on: image, kind: semi}\nkey: image\nbind: {report: image}"
    made = compiled(source(use=OPEN), CLOSED, spec(steps))
    terms_are_closed(run(tmp_path, made, {name: [HEADER, *ROWS] for name in ("lab/images", "closed/images")}))


def terms_are_closed(result: Result) -> None:
    assert not result.diagnostics
    terms = dict(result.manifest.specs[0].terms)
    assert (terms["access"], terms["redistribute"]) == ("credentialed", "no")
    assert [one.name for one in result.manifest.sources] == ["closed", "lab"]


# ---- sites of draws


def coin(*site: str, seed: int = 1) -> str:
    return "T" if unit(draw(seed, *site)) < 0.5 else "F"


FLIP = 'if chance(0.5) then "T" else "F"'


def test_a_column_called_limit_does_not_share_the_draw_of_the_limit(tmp_path: Path) -> None:
    made = compiled(source(), spec(f"steps:\n  - derive: {{limit: '{FLIP}'}}\nkey: image\nbind: {{report: limit}}"))
    assert not run(tmp_path, made, {"lab/images": patients(200)}, limit=20).diagnostics
    ids = [f"{REP}/i{n}" for n in range(200)]
    kept = sorted(ids, key=lambda id: draw(1, id, ":limit"))[:20]
    assert answers(tmp_path) == {id.rpartition("/")[2]: coin(id, "limit") for id in kept}


def test_a_form_called_bind_does_not_share_the_draws_of_bindings(tmp_path: Path) -> None:
    turns = f"""
  - form: bind
    let: {{report: 'f"{{report}}{{{FLIP}}}"'}}
    prompt: Write a report.
    answer: {{format: text, text: report}}
"""
    made = compiled(source(), spec(f"key: image\nbind: {{report: '{FLIP}'}}", turns=turns))
    assert not run(tmp_path, made, {"lab/images": patients(40)}).diagnostics
    found = answers(tmp_path)
    ids = {name: f"{REP}/{name}" for name in found}
    assert found == {name: coin(id, "bind:report") + coin(id, "bind.report") for name, id in ids.items()}
    assert set(found.values()) == {"TT", "TF", "FT", "FF"}


def test_a_let_called_answer_does_not_share_the_draws_of_the_answer(tmp_path: Path) -> None:
    turns = f"""
  - form: ask
    let: {{answer: '{FLIP}'}}
    prompt: Write a report on {{report}}.
    answer: {{format: text, text: 'f"{{answer}}{{{FLIP}}}"'}}
"""
    made = compiled(source(), spec("key: image\nbind: {report: image}", turns=turns))
    assert not run(tmp_path, made, {"lab/images": patients(40)}).diagnostics
    found = answers(tmp_path)
    ids = {name: f"{REP}/{name}" for name in found}
    assert found == {name: coin(id, "ask.answer") + coin(id, "ask:answer") for name, id in ids.items()}


def test_the_key_stays_what_a_draw_was_keyed_to() -> None:
    steps = """
steps:
  - derive: {drawn: chance(0.5)}
  - derive: {image: 'f"new {image}"'}  # error: CXR311
key: image
bind: {report: image}
"""
    refused(source(), spec(steps))


@pytest.mark.parametrize(
    "steps",
    [
        "select: [image, drawn]\n  - derive: {image: 'f\"new {image}\"'}  # error: CXR311",
        "group: {by: study, take: {drawn: max(drawn), image: min(image)}}  # error: CXR311",
    ],
)
def test_the_key_stays_it_behind_a_select_and_in_a_group(steps: str) -> None:
    refused(
        source(),
        spec(f"steps:\n  - derive: {{drawn: chance(0.5)}}\n  - {steps}\nkey: image\nbind: {{report: image}}\n"),
    )


# ---- what a published run lays over a table


@pytest.mark.parametrize(
    ("table", "overlay", "left"),
    [
        ("where: view is not null", "from: few", "ac"),
        ("where: view is null", "steps: [{where: 'image == \"d\"'}]", "d"),
        ("where: view is null", "from: few\n      steps: [{where: 'image != \"a\"'}]", "bc"),
    ],
)
def test_an_overlay_keeps_what_it_does_not_name(tmp_path: Path, table: str, overlay: str, left: str) -> None:
    tables = f"""
  few:
    from: images
    steps:
      - where: image != "d"
  made:
    from: images
    steps:
      - {table}
    published:
      {overlay}
      because: somebody did
"""
    made = compiled("# published\n", source(tables), spec(start="made"))
    assert not run(tmp_path, made).diagnostics
    assert sorted(answers(tmp_path)) == list(left)


# ---- runs


def test_an_optional_table_that_is_absent_with_others_below_it(tmp_path: Path) -> None:
    absent = f"  maybe:\n    read: csv\n    files: maybe.csv\n    optional: yes\n    columns: {IMAGES}\n"
    both = f"{absent}  both:\n    from: maybe\n    steps:\n      - union: images"
    result = run(tmp_path, compiled(source(both), spec(start="both")))
    assert not result.manifest.unavailable
    assert sorted(answers(tmp_path)) == list("abcd")
    alone = run(tmp_path, compiled(source(both), spec(start="maybe")))
    assert [one.name for one in alone.unavailable] == [REP]


def test_a_limit_does_not_meet_expectations_of_the_whole(tmp_path: Path) -> None:
    made = compiled(source(), spec("expect: {test: 4}\nkey: image\nbind: {report: image}"))
    assert not run(tmp_path, made, limit=2).diagnostics
    assert len(answers(tmp_path)) == 2
    assert made_up.codes(run(tmp_path, made, images_of(*ROWS[1:]))) == [("CXR752", REP)]


@pytest.mark.parametrize(
    ("other", "kind", "left"),
    [
        ('image == "a"', "semi", "abcd"),
        ('image == "z"', "semi", ""),
        ('image == "a"', "anti", ""),
        ('image == "z"', "anti", "abcd"),
    ],
)
def test_a_join_on_nothing_asks_whether_there_are_rows(tmp_path: Path, other: str, kind: str, left: str) -> None:
    some = f"  some:\n    from: images\n    steps:\n      - where: {other}\n"
    made = f"{some}  made:\n    from: images\n    steps:\n      - join: {{table: some, on: [], kind: {kind}}}"
    assert not run(tmp_path, compiled(source(made), spec(start="made"))).diagnostics
    assert sorted(answers(tmp_path)) == list(left)


BELOW: Tables = {"lab/images": [HEADER, *ROWS], "lab/more": [("word",), ("x",), ("y",), ("y",)]}
MORE = "  more:\n    read: csv\n    files: more.csv\n    columns: {word: text}\n"


def test_a_table_of_which_no_column_is_needed_still_has_rows(tmp_path: Path) -> None:
    made = f"{MORE}  made:\n    from: images\n    steps:\n      - join: {{table: more, on: [], kind: semi}}"
    assert not run(tmp_path, compiled(source(made), spec(start="made")), BELOW).diagnostics
    assert sorted(answers(tmp_path)) == list("abcd")


def test_a_join_on_nothing_that_takes_nothing_multiplies(tmp_path: Path) -> None:
    join = "join: {table: more, on: [], take: [], many: yes}"
    group = "group: {by: image, take: {patient: only(patient), study: only(study), n: count()}}"
    made = f"{MORE}  made:\n    from: images\n    steps:\n      - {join}\n      - {group}"
    compilation = compiled(source(made), spec("key: image\nbind: {report: text(n)}", start="made"))
    assert not run(tmp_path, compilation, BELOW).diagnostics
    assert answers(tmp_path) == dict.fromkeys("abcd", "3")


def test_stats_restores_what_a_killed_run_left_between_two_renames(tmp_path: Path) -> None:
    assert not run(tmp_path, compiled(source(), spec())).diagnostics
    out = tmp_path / "out"
    before = made_up.data_files(out)
    told = cxrspec("stats", str(out))
    out.rename(tmp_path / ".out.old")
    (tmp_path / ".out.building").mkdir()
    assert cxrspec("stats", str(out)) == told
    assert (told.exit_code, made_up.data_files(out)) == (0, before)
    assert not [path for path in tmp_path.glob(".out.*") if path.name not in (".out.lock", ".out.disk")]
