"""One split for all sources of a space: who says it, what is otherwise, and who may do without."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cxrspec.compiler.pipeline import Compilation
from cxrspec.runtime.request import Result

from . import made_up
from .case_files import case
from .oracle.prompts import draw, unit
from .test_cli import cxrspec
from .test_soundness import REP, compiled, source, spec, splits

SEED = 3
HOME = "{space: shared, patient: patient, study: study}"
AWAY = "[{space: shared, patient: theirs, study: seen}, {space: away, patient: none, study: image}]"
LISTED = "  listed:\n    read: csv\n    files: listed.csv\n    columns: {patient: int, study: int, part: split | null}"
AUTHORITY = source(LISTED, "official: {table: listed, column: part}", name="home", identity=HOME)
COLUMNS = "{image: text, theirs: int | null, seen: int | null}"


def spaces(otherwise: str = "{ratio: {val: 0.2, test: 0.3}}", authority: str = "authority: home.official, ") -> str:
    return f"# file: spaces.yaml\nkind: spaces\nspaces:\n  shared: {{{authority}otherwise: {otherwise}}}\n"


def away(identity: str = AWAY, columns: str = COLUMNS) -> str:
    """A source whose images are linked to the shared space, or not."""
    return source(splits="all: {constant: test}\n  none: {constant: train}", identity=identity, images=columns)


def of_lab(body: str = "") -> str:
    return spec(f"{body}\nkey: image\nbind: {{report: image}}")


def write(data: Path, listed: bool = True) -> None:
    """Ten patients of the shared space, of whom the authority lists six (one without a split), and images of both spaces."""
    rows = [(n, 100 + n, ["train", "val", "test", "", "test", "val"][n]) for n in range(6)]
    if listed:
        made_up.write_text(data / "home" / "listed.csv", made_up.csv_text(("patient", "study", "part"), rows))
    linked = [(f"i{n}", n, 100 + n) for n in range(10)]
    others = [(f"x{n}", "", "") for n in range(3)]
    made_up.write_text(data / "lab" / "images.csv", made_up.csv_text(("image", "theirs", "seen"), [*linked, *others]))


def made(folder: Path, compilation: Compilation, **asked: Any) -> Result:
    return made_up.make(folder / "data", folder / "out", compilation, seed=SEED, **asked)


def by_draw(who: str) -> str:
    """The documented formula: val below 0.2 of the draw, test below 0.5."""
    at = unit(draw(SEED, who, "space shared"))
    return "val" if at < 0.2 else "test" if at < 0.2 + 0.3 else "train"


SAID = {"i0": "train", "i1": "val", "i2": "test", "i4": "test", "i5": "val"}
DRAWN = {f"i{n}": by_draw(f"shared/{n}") for n in range(10)}
ELSEWHERE = {f"x{n}": "test" for n in range(3)}


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
@pytest.mark.parametrize("turned", [False, True])
def test_the_authority_goes_before_the_draw_and_the_split_of_the_spec_is_for_others(
    tmp_path: Path, engine: str, turned: bool
) -> None:
    """Whatever the engine and the order of rows."""
    write(tmp_path / "data")
    for path in (tmp_path / "data").rglob("*.csv") if turned else ():
        head, *rows = path.read_text().splitlines()
        path.write_text("\n".join([head, *rows[::-1]]))
    result = made(tmp_path, compiled(AUTHORITY, away(), spaces(), of_lab("split: all")), engine=engine)
    assert not result.diagnostics
    assert splits(tmp_path) == DRAWN | SAID | ELSEWHERE
    assert len(set(DRAWN.values())) == 3
    (entry,) = result.manifest.specs
    (authority,) = entry.authorities
    assert (authority.space, authority.split) == ("shared", "home.official")
    assert [file.path for file in result.manifest.inputs[authority.inputs["home.listed"]]] == ["home/listed.csv"]
    assert authority.inputs.items() <= entry.inputs.items()
    assert "| shared | home.official | yes |" in squeezed(tmp_path / "out" / "README.md")


def squeezed(card: Path) -> str:
    return " ".join(card.read_text().split())


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_without_its_files_an_authority_says_nothing(tmp_path: Path, engine: str) -> None:
    """No spec lacks them, and neither the terms nor the sources of the output speak of a source that was not read."""
    write(tmp_path / "data", listed=False)
    result = made(tmp_path, compiled(AUTHORITY, away(), spaces(), of_lab("split: all")), engine=engine)
    assert not result.diagnostics
    assert splits(tmp_path) == DRAWN | ELSEWHERE
    assert [a.inputs for a in result.manifest.specs[0].authorities] == [{}]
    assert [s.name for s in result.manifest.sources] == ["lab"]
    assert "| shared | home.official | no |" in squeezed(tmp_path / "out" / "README.md")


def test_a_table_that_a_spec_reads_itself_is_asked_for_all_the_same(tmp_path: Path) -> None:
    write(tmp_path / "data", listed=False)
    join = "steps:\n  - join: {table: home.listed, on: {theirs: patient}, kind: semi}\nsplit: all"
    result = made(tmp_path, compiled(AUTHORITY, away(), spaces(), of_lab(join)))
    (absent,) = result.manifest.unavailable
    assert "listed.csv" in absent.reason


def test_by_study_where_no_patient_was_released(tmp_path: Path) -> None:
    """The study is looked up, and drawn by, as the patient is; nothing is left for a split of the spec to say."""
    identity = "{space: shared, patient: none, study: seen}"
    write(tmp_path / "data")
    images = "{image: text, seen: int}"
    data = tmp_path / "data" / "lab" / "images.csv"
    data.write_text("\n".join(line for line in data.read_text().splitlines() if not line.startswith("x")))
    result = made(tmp_path, compiled(AUTHORITY, away(identity, images), spaces(), of_lab()))
    assert not result.diagnostics
    assert splits(tmp_path) == {f"i{n}": by_draw(f"shared/{100 + n}") for n in range(10)} | SAID


def test_by_study_where_a_patient_is_not_known(tmp_path: Path) -> None:
    """Patients and studies of equal numbers are not mistaken for one another."""
    columns = IMAGES_OF_NULL
    own = source(identity=HOME, images=columns, name="lab")
    listed = [(1, 2, "val"), (2, 1, "test")]
    made_up.write_text(tmp_path / "data/home/listed.csv", made_up.csv_text(("patient", "study", "part"), listed))
    rows = [("a", 1, 7), ("b", 2, 8), ("c", "", 1), ("d", "", 2), ("e", "", 3)]
    made_up.write_text(tmp_path / "data/lab/images.csv", made_up.csv_text(("image", "patient", "study"), rows))
    result = made(tmp_path, compiled(AUTHORITY, own, spaces("train"), of_lab()))
    assert not result.diagnostics
    assert splits(tmp_path) == {"a": "val", "b": "test", "c": "test", "d": "val", "e": "train"}


IMAGES_OF_NULL = "{image: text, patient: int | null, study: int}"


def test_a_space_without_an_authority(tmp_path: Path) -> None:
    write(tmp_path / "data", listed=False)
    result = made(tmp_path, compiled(away(), spaces(authority=""), of_lab("split: none")))
    assert not result.diagnostics
    assert splits(tmp_path) == DRAWN | {f"x{n}": "train" for n in range(3)}
    assert result.manifest.specs[0].authorities == ()


AUTHORITIES: dict[str, tuple[str, dict[str, list[int]], dict[int, str]]] = {
    "lists": (
        "lists: {train: t, test: u}, key: patient",
        {"t": [0, 1], "u": [2, 3, 4]},
        {0: "train", 1: "train", 2: "test", 3: "test", 4: "test"},
    ),
    "ratio": ("ratio: {val: 0.5}", {}, {n: "val" if unit(draw(SEED, f"shared/{n}", "split official")) < 0.5 else "train" for n in range(6)}),
    "constant": ("constant: val", {}, dict.fromkeys(range(6), "val")),
}  # fmt: skip


@pytest.mark.parametrize("form", AUTHORITIES)
def test_every_form_may_be_an_authority(form: str, tmp_path: Path) -> None:
    """What is not of its table, or not in its lists, is `otherwise`."""
    said, lists, expected = AUTHORITIES[form]
    tables = LISTED + "".join(f"\n  {n}: {{read: csv, files: {n}.csv, columns: {{patient: int}}}}" for n in lists)
    home = source(tables, f"official: {{table: listed, {said}}}", name="home", identity=HOME)
    write(tmp_path / "data")
    for name, patients in lists.items():
        made_up.write_text(tmp_path / f"data/home/{name}.csv", made_up.csv_text(["patient"], [[n] for n in patients]))
    assert not made(tmp_path, compiled(home, away(), spaces(), of_lab("split: all"))).diagnostics
    assert splits(tmp_path) == DRAWN | {f"i{n}": word for n, word in expected.items()} | ELSEWHERE


def test_a_holdout_may_be_an_authority(tmp_path: Path) -> None:
    cut = "{seed: 1, share: 0.5, kept: train, held: test}"
    home = source(LISTED, f"official: {{table: listed, holdout: {cut}, key: patient}}", name="home", identity=HOME)
    write(tmp_path / "data")
    assert not made(tmp_path, compiled(home, away(), spaces("val"), of_lab("split: all"))).diagnostics
    found = splits(tmp_path)
    assert Counter(found[f"i{n}"] for n in range(6)) == {"train": 3, "test": 3}
    assert {found[f"i{n}"] for n in range(6, 10)} == {"val"}


def test_a_patient_on_two_sides_of_the_authority_stops_the_specs_that_ask_it(tmp_path: Path) -> None:
    write(tmp_path / "data")
    path = tmp_path / "data/home/listed.csv"
    path.write_text(path.read_text() + "2,999,train\n")
    asks, does_not = of_lab("split: all"), source(name="free", identity="{space: free, patient: none, study: image}")
    images = made_up.csv_text(("image", "patient", "study", "view"), [("a", 1, 1, "")])
    made_up.write_text(tmp_path / "data/free/images.csv", images)
    result = made(tmp_path, compiled(AUTHORITY, away(), spaces(), asks, does_not, spec(source="free")))
    assert made_up.codes(result) == [("CXR751", REP)]
    assert [s.name for s in result.manifest.specs] == ["rep/free"]
    assert "only() in `split`" in result.diagnostics[0].message


# ---- a split of its own


def test_a_spec_with_a_split_of_its_own_is_left_out_of_the_check(tmp_path: Path) -> None:
    """It puts the shared patients on another side; the card says so."""
    write(tmp_path / "data")
    bench = of_lab("split: all\nown_split: a benchmark").replace("Rep\n", "Bench\n").replace("rep/", "bench/")
    result = made(tmp_path, compiled(AUTHORITY, away(), spaces(), of_lab("split: all"), bench))
    assert not result.diagnostics
    assert splits(tmp_path, "bench/lab") == dict.fromkeys(splits(tmp_path), "test")
    assert splits(tmp_path) == DRAWN | SAID | ELSEWHERE
    assert "| bench/lab | a benchmark |" in squeezed(tmp_path / "out" / "README.md")


def test_the_overlay_of_a_published_run_has_its_split_for_all_rows(tmp_path: Path) -> None:
    """There the patients on two sides are a warning that the defect is there."""
    overlay = "published:\n  row: [Rep, Lab]\n  split: none\n  because: everything was trained on"
    write(tmp_path / "data")
    files = AUTHORITY, away(), spaces(), of_lab(f"split: all\n{overlay}")
    assert not made(tmp_path, compiled(*files)).diagnostics
    assert splits(tmp_path) == DRAWN | SAID | ELSEWHERE
    published = compiled("# published\n", *files)
    result = made_up.make(tmp_path / "data", tmp_path / "published", published, published=True, seed=SEED)
    assert not result.diagnostics
    assert {row["split"] for row in made_up.rows(tmp_path / "published", REP).values()} == {"train"}


# ---- `table:` of a split


def test_a_split_over_another_table_of_the_source(tmp_path: Path) -> None:
    """A ratio over the patients of a table gives the others none, which stops the spec."""
    columns = "{image: text, patient: int, study: int}"
    cut = "cut: {table: listed, ratio: {test: 0.5}}"
    lab = source(LISTED, cut, identity=HOME, images=columns)
    rows = [(f"i{n}", n, 100 + n) for n in range(6)]
    for count, stopped in ((6, []), (5, [("CXR751", REP)])):
        listed = [(n, 100 + n, "") for n in range(count)]
        made_up.write_text(tmp_path / "data/lab/images.csv", made_up.csv_text(("image", "patient", "study"), rows))
        made_up.write_text(tmp_path / "data/lab/listed.csv", made_up.csv_text(("patient", "study", "part"), listed))
        result = made(tmp_path, compiled(lab, of_lab()))
        assert made_up.codes(result) == stopped
        expected = {
            f"i{n}": "test" if unit(draw(SEED, f"shared/{n}", "split cut")) < 0.5 else "train" for n in range(6)
        }
        assert splits(tmp_path) == expected


# ---- an authority that is another one now

ALL = AUTHORITY, away(), spaces(), of_lab("split: all")
MOVED = sum(DRAWN[image] != word for image, word in SAID.items())


def findings(result: Result) -> list[tuple[str, str]]:
    return [(d.code, d.severity) for d in result.diagnostics]


@pytest.mark.parametrize("comes", [True, False])
def test_what_moves_when_an_authority_comes_or_goes_must_be_accepted(tmp_path: Path, comes: bool) -> None:
    """Nothing is written before; accepted, it is said once, and the next run has nothing to say."""
    compilation = compiled(*ALL)
    write(tmp_path / "data", listed=not comes)
    assert not made(tmp_path, compilation).diagnostics
    before = made_up.data_files(tmp_path / "out")
    write(tmp_path / "data") if comes else (tmp_path / "data/home/listed.csv").unlink()
    result = made(tmp_path, compilation)
    assert findings(result) == [("CXR814", "error")]
    assert 0 < MOVED < 5
    assert result.diagnostics[0].message == f"{MOVED} of 13 examples move to another split"
    assert ("were absent before" if comes else "are absent now") in result.diagnostics[0].help[0]
    assert result.failed
    assert result.made == ()
    assert made_up.data_files(tmp_path / "out") == before
    result = made(tmp_path, compilation, accept_moves=True)
    assert findings(result) == [("CXR814", "warning")]
    assert not result.failed
    assert splits(tmp_path) == (DRAWN | SAID | ELSEWHERE if comes else DRAWN | ELSEWHERE)
    assert not made(tmp_path, compilation).diagnostics


def test_the_option_of_the_command(tmp_path: Path) -> None:
    for file in case("".join(ALL)).files:
        made_up.write_text(tmp_path / "specs" / file.place, str(file.text))
    folders = [f"--{name}={tmp_path / name}" for name in ("specs", "data", "out")]
    command = "run", *folders, "--select", REP
    write(tmp_path / "data", listed=False)
    assert cxrspec(*command).exit_code == 0
    write(tmp_path / "data")
    refused = cxrspec(*command)
    assert (refused.exit_code, "CXR814" in refused.stderr) == (1, True)
    accepted = cxrspec(*command, "--accept-moves")
    assert (accepted.exit_code, "warning[CXR814]" in accepted.stderr) == (0, True)
    assert cxrspec(*command).exit_code == 0


def test_an_authority_that_changed_and_moves_nobody_is_no_matter(tmp_path: Path) -> None:
    compilation = compiled(*ALL)
    write(tmp_path / "data")
    assert not made(tmp_path, compilation).diagnostics
    path = tmp_path / "data/home/listed.csv"
    path.write_text(path.read_text() + "77,177,train\n")
    result = made(tmp_path, compilation)
    assert not result.diagnostics
    assert result.made == (REP,)


def test_another_authority_in_its_place(tmp_path: Path) -> None:
    write(tmp_path / "data")
    assert not made(tmp_path, compiled(*ALL)).diagnostics
    other = AUTHORITY.replace("splits:", "splits:\n  swapped: {table: listed, constant: val}")
    result = made(
        tmp_path, compiled(other, away(), spaces(authority="authority: home.swapped, "), of_lab("split: all"))
    )
    assert findings(result) == [("CXR814", "error")]
    told = "the authority of the space `shared` was `home.official` and is `home.swapped`"
    assert result.diagnostics[0].help[0] == told


def test_specs_whose_examples_stay_are_held_back_with_those_that_move(tmp_path: Path) -> None:
    """A part of the specs under one authority and a part under another would be two splits in one output."""
    still = of_lab("split: all\nwhere: theirs is null").replace("Rep\n", "Still\n").replace("rep/", "still/")
    compilation = compiled(*ALL, still)
    write(tmp_path / "data", listed=False)
    assert not made(tmp_path, compilation).diagnostics
    write(tmp_path / "data")
    result = made(tmp_path, compilation)
    assert made_up.codes(result) == [("CXR814", REP)]
    assert result.made == ()
    manifest = (tmp_path / "out" / "manifest.json").read_text()
    assert "listed.csv" not in manifest
