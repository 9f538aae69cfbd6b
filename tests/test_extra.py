"""Three made-up sources that go further than what ships, each against plain Python over the same raw files."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from numpy.random import RandomState

from cxrspec.runtime.request import Result

from . import made_up
from .oracle.classification import image_classification
from .oracle.examples import Example, example
from .oracle.prompts import Choice, Turn, Wheel, choice_turn, draw, in_drawn_order, text_turn, unit

SEED = 4
RULES: dict[str, str] = yaml.safe_load((Path(__file__).parents[1] / "specs" / "words.yaml").read_text())["rules"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Result]:
    """Data, output and result of one run over the extra sources."""
    folder = tmp_path_factory.mktemp("extra")
    data = made_up.extra_root(folder / "data")
    result = made_up.make(data, folder / "out", made_up.load(made_up.EXTRA), seed=SEED)
    assert not result.diagnostics
    return data, folder / "out", result


def form(path: str, name: str) -> Wheel:
    """The wheel of a form of specs_extra."""
    file: Any = yaml.safe_load((made_up.EXTRA / path).read_text())
    rules = RULES | file.get("rules", {})
    said = next(f for f in file["turns"] if f["form"] == name)
    return Wheel(said["prompt"], rules, said.get("count", 1))


def examples(out: Path, spec: str) -> dict[str, Example]:
    return {id: example(row) for id, row in made_up.rows(out, spec).items()}


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# ---- fourteen: lists as splits, val carved out of train, choices and choice over long lists, two turns a form


def fourteen(data: Path) -> Iterator[tuple[dict[str, str], str, list[str], list[str]]]:
    """Every image with its split, what was found and what was not."""
    tests = set((data / "fourteen" / "test_list.txt").read_text().split())
    for row in table(data / "fourteen" / "labels.csv"):
        found = [name for name in row["Finding Labels"].split("|") if name != "No Finding"]
        drawn = unit(draw(SEED, f"fourteen/{row['Patient ID']}", "split carved"))
        split = "test" if row["Image Index"] in tests else "val" if drawn < 0.3 else "train"
        yield row, split, found, [name for name in made_up.FINDINGS if name not in found]


def test_all_three_forms_of_image_classification(made: tuple[Path, Path, Result]) -> None:
    data, out, _ = made
    expected: dict[str, Example] = {}
    for row, split, found, rest in fourteen(data):
        image = row["Image Index"]
        id = f"image_classification/fourteen/{image}"
        turns, target = image_classification(SEED, id, made_up.FINDINGS, found, rest)
        expected[id] = fourteen_example(row, split, turns, target)
    assert examples(out, "image_classification/fourteen") == expected
    forms = Counter(turn.form for e in expected.values() for turn in e.turns)
    assert forms.keys() == {"select", "which_set", "presence"}
    assert {e.split for e in expected.values()} == {"train", "val", "test"}


def fourteen_example(row: dict[str, str], split: str, turns: tuple[Turn, ...], target: Any) -> Example:
    image = row["Image Index"]
    who = "fourteen", f"fourteen/{row['Patient ID']}", f"fourteen/{image}"
    return Example(split, *who, (f"fourteen/images/{image}",), turns, target)


def test_two_turns_of_each_form(made: tuple[Path, Path, Result]) -> None:
    data, out, _ = made
    path = "tasks/label_quiz/fourteen.yaml"
    tell, pick = form(path, "tell"), form(path, "pick")
    hint, empty = Wheel("Please answer.\nTake (care|your time).", {}), Wheel("(None|Nothing) of these.", {})
    telling = Choice(True, ("letters", "numbers"), "inline", ("text", "marker"), hint, empty)
    expected: dict[str, Example] = {}
    for row, split, found, rest in fourteen(data):
        id = f"label_quiz/fourteen/{row['Patient ID']}/{row['Image Index']}"
        turns = [choice_turn(SEED, id, "tell", tell, made_up.FINDINGS, found, telling, k=k) for k in (0, 1)]
        for k in (0, 1) if found and len(rest) >= 3 else ():
            turn = f"#{k}" if k else ""
            shown = in_drawn_order(SEED, id, f"pick.one{turn}", found)[0]
            wrong = in_drawn_order(SEED, id, f"pick.wrong{turn}", rest)[:3]
            choice = Choice(markers=("numbers",), reply=("marker",))
            turns.append(choice_turn(SEED, id, "pick", pick, [shown, *wrong], [shown], choice, k=k))
        target = [name for name in made_up.FINDINGS if name in found]
        expected[id] = fourteen_example(row, split, tuple(turns), target)
    assert examples(out, "label_quiz/fourteen") == expected
    for asked in expected.values():
        prompts = [turn.prompt.partition("Options:")[0] for turn in asked.turns]
        assert len(set(prompts)) == len(prompts)


# ---- notes and views: two sources, null, and what happens when one is absent


def notes(data: Path) -> Iterator[tuple[dict[str, str], str, str]]:
    """Every visit with a note: the row, its split, its note."""
    words = {"train": "train", "validate": "val", "test": "test"}
    parts = {row["subject"]: words[row["part"]] for row in table(data / "notes" / "patients.csv")}
    for row in table(data / "notes" / "visits.csv"):
        note = " ".join(row["note"].split())
        if note:
            yield row, parts[row["subject"]], note


def visit_summary(data: Path, remarks: dict[str, str]) -> dict[str, Example]:
    pictures: dict[str, list[tuple[int, str]]] = {}
    for row in table(data / "views" / "views.csv"):
        pictures.setdefault(row["visit"], []).append(({"PA": 0, "AP": 1}.get(row["view"], 9), row["image_id"]))
    told, untold = form("tasks/visit_summary/task.yaml", "told"), form("tasks/visit_summary/task.yaml", "untold")
    found: dict[str, Example] = {}
    for row, split, note in notes(data):
        visit = row["visit"]
        indication = " ".join(row["indication"].split()).replace("N/A", "")
        if not 1 <= len(pictures.get(visit, [])) <= 3:
            continue
        id = f"visit_summary/notes/{visit}"
        slots = {'indication ?? "unknown"': indication or "unknown", 'remark ?? "none"': remarks.get(visit, "none")}
        turns = [text_turn(SEED, id, "untold", untold, note, slots)]
        if indication:
            turns.insert(0, text_turn(SEED, id, "told", told, note, {"indication": indication}))
        images = tuple(f"views/{image}.png" for _, image in sorted(pictures[visit]))
        patient = row["subject"].replace("/", "%2F")
        found[id] = Example(split, "notes", f"notes/{patient}", f"notes/{visit}", images, tuple(turns), note)
    return found


def test_two_sources_joined_and_an_indication_that_may_be_null(made: tuple[Path, Path, Result]) -> None:
    data, out, result = made
    remarks = {row["visit"]: row["remark"] for row in table(data / "views" / "remarks.csv")}
    expected = visit_summary(data, remarks)
    assert examples(out, "visit_summary/notes") == expected
    assert {len(e.turns) for e in expected.values()} == {1, 2}
    entry = next(s for s in result.manifest.specs if s.name == "visit_summary/notes")
    assert entry.terms["access"] == "credentialed"
    assert {table.partition(".")[0] for table in entry.inputs} == {"notes", "views"}


def test_an_optional_table_may_be_absent(tmp_path: Path) -> None:
    made_up.write_notes(tmp_path / "data")
    made_up.write_views(tmp_path / "data", remarks=False)
    result = made_up.make(
        tmp_path / "data", tmp_path / "out", made_up.load(made_up.EXTRA), select=["visit_summary/notes"], seed=SEED
    )
    assert not result.diagnostics
    assert examples(tmp_path / "out", "visit_summary/notes") == visit_summary(tmp_path / "data", {})


@pytest.mark.parametrize("named", [False, True])
def test_a_spec_whose_other_source_is_absent_is_left_out(tmp_path: Path, named: bool) -> None:
    """It is no failure, unless the spec was asked for by its name; the specs of the source that is there are made."""
    made_up.write_notes(tmp_path / "data")
    name = frozenset(["visit_summary/notes"])
    result = made_up.make(
        tmp_path / "data",
        tmp_path / "out",
        made_up.load(made_up.EXTRA),
        seed=SEED,
        named=name if named else frozenset[str](),
    )
    reasons = {u.name: u.reason for u in result.manifest.unavailable}
    assert "views.csv" in reasons["visit_summary/notes"]
    assert [s.name for s in result.manifest.specs] == ["note_repair/notes"]
    assert made_up.codes(result) == ([("CXR812", "visit_summary/notes")] if named else [])
    assert result.failed == named
    repair = form("tasks/note_repair/notes.yaml", "repair")
    expected = {(f"note_repair/notes/{row['visit']}", note): split for row, split, note in notes(tmp_path / "data")}
    found = examples(tmp_path / "out", "note_repair/notes")
    assert {(id, e.turns[0].answer): e.split for id, e in found.items()} == expected
    assert all(e.turns == (text_turn(SEED, id, "repair", repair, e.target, {}),) for id, e in found.items())


# ---- rounds: nested JSON, union, explode, group, ratio and holdout


def documents(data: Path) -> Iterator[tuple[str, int, Any]]:
    """(part, number, document) of every round."""
    for path in sorted((data / "rounds").glob("*/*.json")):
        yield path.parent.name.partition("_")[0], int(path.stem), json.loads(path.read_text(encoding="utf-8"))


def drawn_split(patient: str) -> str:
    """The documented formula: val below 0.25 of the draw, test below 0.45."""
    at = unit(draw(SEED, patient, "split drawn"))
    return "val" if at < 0.25 else "test" if at < 0.25 + 0.2 else "train"


def test_questions_with_their_history_split_by_a_threshold(made: tuple[Path, Path, Result]) -> None:
    data, out, _ = made
    ask, empty = form("tasks/round_question/rounds.yaml", "ask"), Wheel("None.", {})
    expected: dict[str, Example] = {}
    for part, number, document in documents(data):
        patient = f"rounds/{document['patient']}"
        for place, (question, answers, history, more) in enumerate(document["entries"]):
            if part != "morning" or not more["options"]:
                continue
            id = f"round_question/rounds/{number}/{place}"
            told = [f"Q: {q} A: {', '.join(a)}" for q, a in history]
            slots = {"prompt": "\n".join([*told, f"Q: {question}"]) if told else question}
            turn = choice_turn(SEED, id, "ask", ask, more["options"], answers, Choice(True, empty=empty), slots)
            target = [option for option in more["options"] if option in answers]
            who = "rounds", patient, f"rounds/{number}"
            expected[id] = Example(drawn_split(patient), *who, (f"rounds/{number}.png",), (turn,), target)
    assert examples(out, "round_question/rounds") == expected
    assert {e.split for e in expected.values()} == {"train", "val", "test"}


def permutation(seed: int, size: int) -> list[int]:
    """numpy's legacy generator."""
    return [int(place) for place in RandomState(seed).permutation(size)]


def holdout(keys: list[int]) -> dict[int, str]:
    """0.4 of the sorted keys held with seed 3, the first half of those in the order drawn held once more with seed 5."""
    order = [sorted(keys)[place] for place in permutation(3, len(keys))]
    held = math.ceil(len(keys) * 0.4)
    kept = dict.fromkeys(order[held:], "train")
    again = [order[:held][place] for place in permutation(5, held)]
    half = math.ceil(held * 0.5)
    return kept | dict.fromkeys(again[:half], "test") | dict.fromkeys(again[half:], "val")


def test_answers_of_two_tables_gathered_in_order_and_cut_by_holdout(made: tuple[Path, Path, Result]) -> None:
    data, out, _ = made
    answered: dict[int, list[tuple[int, int, str, int, str]]] = {}
    for _, number, document in documents(data):
        for place, (question, answers, *_rest) in enumerate(document["entries"]):
            rows = [(number, place, question, k, answer) for k, answer in enumerate(answers)]
            answered.setdefault(document["patient"], []).extend(rows)
    for place, (number, who, question, answers) in enumerate(json.loads((data / "recalls" / "loose.json").read_text())):
        answered.setdefault(who["id"], []).extend((number, place, question, k, a) for k, a in enumerate(answers))
    answered = {patient: sorted(rows) for patient, rows in answered.items() if rows}
    splits, recall = holdout(list(answered)), form("tasks/round_recall/recalls.yaml", "recall")
    expected: dict[str, Example] = {}
    for patient, rows in answered.items():
        given = [answer for *_, answer in rows]
        usual = min(given, key=lambda a: (-given.count(a), a))
        note = f"{'; '.join(given)} ({len(given)}, mostly {usual})"
        id = f"round_recall/recalls/{patient}"
        turn = text_turn(SEED, id, "recall", recall, note, {"question": rows[0][2]})
        who = "recalls", f"recalls/{patient}", f"recalls/{max(n for n, *_ in rows)}"
        expected[id] = Example(splits[patient], *who, (), (turn,), note)
    assert examples(out, "round_recall/recalls") == expected
    assert {e.split for e in expected.values()} == {"train", "val", "test"}
