"""Fixes: what is certain is mended and nothing else, and a fix that does not hold is taken back.

test_cases.py mends every case, too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxrspec.compiler.catalog import File, as_text, shipped
from cxrspec.compiler.diagnostics import Edit, Fix, Span, is_typo, respell
from cxrspec.compiler.mending import Mending, mend
from cxrspec.compiler.workspace import Workspace
from cxrspec.runtime.mending import lines, mend_folder

from .case_files import WORKSPACES, packaged

# ---- what is certain

SPEC = """\
kind: spec            # the kind
name: Impression
source: openi
from: studies
where: impression is not null   # no comment is touched: veiw
key: n
inputs: {impression: text}
turns:
  - prompt: Write the impression of a report.
    answer: {format: text, text: impression}
"""


def mended(text: str, path: str = "x.yaml") -> Mending:
    return mend(packaged(), [File(path, path, text)], WORKSPACES[False])


def after(text: str) -> str:
    mending = mended(text)
    assert not mending.compilation.errors
    return as_text(mending.files[0].text)


def test_the_spec_is_sound() -> None:
    assert after(SPEC) == SPEC


WHERE, TEXT = "impression is not null", "impression}"


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("{}", "impresion is not null"),
        ("{}", "Impression is not null"),
        ("{}", "impression != null"),
        ("{}", "impression is not None"),
        ("{}", "impression not null"),
        ("{}", "impression is nto null"),
        ("{} and n > 3", "{} && n > 3"),
        ("{} and n > 3", "{}&&n > 3"),
        ("{} and n > 3", "{} AND n > 3"),
        ("{} and not (n > 3)", "{} and !(n > 3)"),
        ("{} and n == 3", "{} and n = 3"),
        ("{} and n == 3", "{} and n === 3"),
        ("{} and n == 3", "{} and n is 3"),
        ("{} and n != 3", "{} and n is not 3"),
        ("{} and n != 3", "{} and n <> 3"),
        ("{} and n >= 3", "{} and n => 3"),
        ("{} and n <= 3", "{} and n =< 3"),
        ("{} and n > 0.5", "{} and n > .5"),
        ("{} and n in [3, 4]", "{} and n in [3, 4,]"),
        ("{} and (n > 3 or n < 2)", "{} and (n > 3 || n < 2)"),
        ('{} and impression != "None."', "{} and impression != “None.”"),
        ("'{} and impression != \"it''s\"'", "'{} and impression != “it''s”'"),
        ('"{} and impression != \\"None.\\""', '"{} and impression != “None.”"'),
        ('\'"None." != (impression ?? "") and {}\'', '“None.” != (impression ?? "") and {}'),
        ('{} and contains(impression, "\\\\d")', '{} and contains(impression, "\\d")'),
    ],
)
def test_what_is_written_elsewhere(right: str, wrong: str) -> None:
    """The condition as it is right, and as other languages have it; `{}` is the condition that the spec has."""
    assert after(SPEC.replace(WHERE, wrong.format(WHERE))) == SPEC.replace(WHERE, right.format(WHERE))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (r"Write it for one \(or more\) reports.", "Write it for one (or more) reports."),
        (r"Write it for the region\(s\).", "Write it for the region(s)."),
        ("Write[ the short] text.", "Write (the short|) text."),
        ("Write[ (the|a)] text.", "Write (the||a) text."),
        ("Write it[ now].", "Write it (|now)."),
        ("[Please ]write it.", "(Please|) write it."),
        ("Write the text[s|ing].", "Write the text(s||ing)."),
        ("Write [the ]text.", "Write (the |)text."),
        (r"Write it\(\).", "Write it()."),
        ("Write it for {n}.", "Write it for {{ n }}."),
        ("Write it?", r"Write it\?"),
        ("Write it for a <radiograph>.", "Write it for a <radiogaph>."),
    ],
)
def test_prompts(right: str, wrong: str) -> None:
    """What cannot be told from something else that may be meant stays: `(or more)` might be an optional part."""
    spec = SPEC.replace("{impression: text}", "{impression: text, n: int}")
    line, block = "Write the impression of a report.", "|\n      Write the impression.\n      "
    wanted = wrong if "or more" in wrong else right
    assert as_text(mended(spec.replace(line, block + wrong)).files[0].text) == spec.replace(line, block + wanted)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("'head(impression, 200)'", "head(impression, 200)"),
        ("'\"normal\"'", '"normal"'),
        ("impression", "must(impression)"),
        ("impression", "impression | must()"),
        ("impression", 'impression ?? "none"'),
    ],
)
def test_answers(right: str, wrong: str) -> None:
    assert after(SPEC.replace("text: impression}", f"text: {wrong}}}")) == SPEC.replace(
        "text: impression}", f"text: {right}}}"
    )


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("name: 'Impression: in short'", "name: Impression of a report: in short"),
        ("kind: 'spec'", "kind: 'sepc'"),
        ('from: "studies"', 'from: "stud1es"'),
        ("source: openi", "sorce: openi"),
        ("name: 'Impression: the short one'", "name: Impression: the short one"),
        ("'where': impression is not null", "'wehre': impression is not null"),
    ],
)
def test_keys_and_words(right: str, wrong: str) -> None:
    key = right.partition(":")[0].strip("'")
    old = next(line for line in SPEC.splitlines() if line.startswith(f"{key}:")).partition("   ")[0]
    result = as_text(mended(SPEC.replace(old, wrong)).files[0].text)
    if "1" in wrong:  # a digit is no slip
        assert result == SPEC.replace(old, wrong)
    elif "in short" in wrong:
        assert result == SPEC.replace(old, "name: 'Impression of a report: in short'")
    else:
        assert result == SPEC.replace(old, right)


# ---- proof


def test_a_fix_that_brings_a_finding_is_taken_back() -> None:
    spec = SPEC.replace("from: studies", "from: rsna.image")
    mending = mended(spec)
    assert as_text(mending.files[0].text) == spec
    assert [found.code for found in mending.refused] == ["CXR210"]
    assert next(lines(mending)) == (
        "x.yaml:4: not mended, since another finding would come: write `images` (CXR210: unknown table `image`)"
    )


def test_one_that_does_not_hold_keeps_no_other_from_holding() -> None:
    wrong = SPEC.replace("from: studies", "from: rsna.image")
    other = SPEC.replace("name: Impression", "name: Other").replace("prompt: Write", "prompt: Write <radiogaph>")
    mending = mend(packaged(), [File("x.yaml", "x.yaml", wrong), File("y.yaml", "y.yaml", other)], WORKSPACES[False])
    assert [file.text for file in mending.files] == [wrong, other.replace("<radiogaph>", "<radiograph>")]
    assert [found.code for found, _ in mending.mended] == ["CXR205"]
    assert [found.code for found in mending.refused] == ["CXR210"]


def test_what_comes_to_light_is_mended_too() -> None:
    wrong = SPEC.replace("text: impression}", "text: head(impresion, 200)}").replace("- prompt", "- promt")
    assert after(wrong) == SPEC.replace("text: impression}", "text: 'head(impression, 200)'}")


def test_a_file_is_made_readable_whatever_is_wrong_elsewhere() -> None:
    wrong = SPEC.replace("text: impression}", "text: head(impression, 200)}").replace("key: n", "key: nonesuch")
    mending = mended(wrong)
    assert as_text(mending.files[0].text) == wrong.replace("head(impression, 200)", "'head(impression, 200)'")
    assert [found.message for found in mending.compilation.diagnostics] == ["unknown name `nonesuch`"]


def test_what_ships_is_never_written() -> None:
    files = [
        File(file.path, file.place, file.text.replace(b"kind: source", b"kind: sorce", 1), True)
        if file.place == "sources/openi.yaml" and isinstance(file.text, bytes)
        else file
        for file in packaged()
    ]
    mending = mend(files, [], Workspace())
    assert any(found.fix for found in mending.compilation.diagnostics)
    assert not mending.files
    assert not mending.mended


# ---- files


def folder(path: Path, content: bytes) -> Path:
    specs = path / "specs"
    specs.mkdir()
    (specs / "x.yaml").write_bytes(content)
    return specs


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_bytes_that_no_fix_speaks_of_stay(tmp_path: Path, start: bytes, line_break: str) -> None:
    spec = SPEC.replace("source: openi", "source: openi   # Stück \U0001f9ea").replace("\n", line_break)
    wrong = spec.replace("impression is", "impresion is")
    specs = folder(tmp_path, start + wrong.encode())
    assert not mend_folder(specs).compilation.errors
    assert (specs / "x.yaml").read_bytes() == start + spec.encode()
    assert [path.name for path in specs.iterdir()] == ["x.yaml"]


def test_mode_and_link_stay(tmp_path: Path) -> None:
    specs = folder(tmp_path, b"")
    real = tmp_path / "real.yaml"
    real.write_text(SPEC.replace("impression is", "impresion is"))
    real.chmod(0o640)
    (specs / "x.yaml").unlink()
    (specs / "x.yaml").symlink_to(real)
    mend_folder(specs)
    assert (specs / "x.yaml").is_symlink()
    assert real.read_text() == SPEC
    assert real.stat().st_mode & 0o777 == 0o640


def test_what_is_sound_is_not_written(tmp_path: Path) -> None:
    specs = folder(tmp_path, SPEC.encode())
    os.utime(specs / "x.yaml", (1, 1))
    mend_folder(specs)
    assert (specs / "x.yaml").stat().st_mtime == 1


# ---- typos

LETTERS = st.text("abc_1", min_size=1, max_size=6)


def edits(word: str) -> set[str]:
    """Every word that is one slip away, made by doing each slip."""
    alphabet = "abc_1"
    cuts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    dropped = {a + b[1:] for a, b in cuts if b}
    added = {a + c + b for a, b in cuts for c in alphabet}
    changed = {a + c + b[1:] for a, b in cuts if b for c in alphabet}
    swapped = {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
    return (dropped | added | changed | swapped) - {word}


@given(LETTERS, LETTERS)
def test_a_typo_is_one_slip_in_a_word_of_three_letters(written: str, meant: str) -> None:
    long = max(len(written), len(meant)) >= 3
    digits = [[c for c in word if c.isdigit()] for word in (written, meant)]
    assert is_typo(written, meant) == (long and digits[0] == digits[1] and written in edits(meant))
    assert is_typo(written, meant) == is_typo(meant, written)


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("veiw", ["view", "views"], "view"),
        ("vieww", ["view", "views"], None),
        ("label_2", ["label_1"], None),
        ("PatientID", ["patientid"], "patientid"),
        ("pa", ["PA", "AP"], "PA"),
        ("ap", ["pa"], None),
        ("age", ["sex"], None),
        ("image", [], None),
    ],
)
def test_only_one_known_name_may_be_near(name: str, known: list[str], meant: str | None) -> None:
    span = Span("x", 4, 4 + len(name))
    wanted = None if meant is None else Fix(f"write `{meant}`", (Edit(span, meant),))
    assert respell(span, name, known) == wanted


def slips(seed: int, number: int) -> Iterator[tuple[File, str]]:
    """Files that ship, each with a slip in one word (comments and published figures left out), and the text before."""
    chance = Random(seed)
    files = [file for file in shipped() if file.place.endswith(".yaml")]
    for _ in range(number):
        file = chance.choice(files)
        text = as_text(file.text)
        bare = re.sub("#[^\n]*", lambda comment: " " * len(comment[0]), text)
        start, end = chance.choice([word.span() for word in re.finditer(r"[A-Za-z_]{3,}", bare)])
        word = text[start:end]
        at, letter = chance.randrange(len(word) - 1), chance.choice("abcdefghijklmnopqrstuvwxyz")
        slipped = [
            word[:at] + word[at + 1 :],
            word[:at] + letter + word[at:],
            word[:at] + letter + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        ]
        wrong = text[:start] + chance.choice(slipped) + text[end:]
        yield File(f"specs/{file.place}", file.place, wrong), text


@pytest.mark.parametrize(("seed", "number"), [(1, 6), pytest.param(2, 500, marks=pytest.mark.slow)])
def test_what_is_mended_is_as_it_was(seed: int, number: int) -> None:
    """No slip is mended to anything but what stood there, and most of those that matter are mended."""
    workspace = Workspace()
    mended, left = 0, 0
    for file, text in slips(seed, number):
        others = [one for one in shipped() if one.place != file.place]
        mending = mend(others, [file], workspace)
        if mending.mended:
            assert as_text(mending.files[0].text) == text, file.place
        mended += bool(mending.mended)
        left += bool(mending.compilation.errors)
    assert mended > 2 * left
