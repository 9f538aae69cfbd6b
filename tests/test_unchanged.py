"""What is as it was is not made again, and what is not is: after any edits an output is what a run from nothing makes."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cxrspec.compiler.catalog import File
from cxrspec.compiler.pipeline import Compilation, compile
from cxrspec.runtime import code, disk, unchanged
from cxrspec.runtime.formats import Formats
from cxrspec.runtime.manifest import hash_file
from cxrspec.runtime.output import OutputError
from cxrspec.runtime.reading import read_table
from cxrspec.runtime.request import Request, Result
from cxrspec.runtime.run import run
from cxrspec.runtime.settings import Images, Settings
from cxrspec.runtime.unchanged import InPlace

from . import made_up
from .test_cli import cxrspec

# ---- a lab: a source with three specs, another with one, and a third that says how patients are split

LAB = """\
kind: source
name: lab
title: A made-up set
use: {access: open, external_services: "yes"}
license: CC0 1.0
identity: {space: lab, patient: patient, study: study}
tables:
  images:
    read: csv
    files: images.csv
    key: image
    columns:
      image: {type: image}
      patient: int
      study: int
      view: text
  remarks:
    read: csv
    optional: yes
    files: remarks.csv
    key: study
    columns: {study: int, remark: text}
  later:
    from: images
    steps:
      - where: {late: study > 1}
  notes:
    read: csv
    files: notes/{ward}.csv
    key: study
    columns: {ward: text, patient: int, study: int, note: text}
splits:
  all: {constant: train}
"""
CLINIC = """\
kind: source
name: clinic
title: Another one
use: {access: open, external_services: "yes"}
license: CC0 1.0
identity: {space: shared, patient: patient, study: visit}
tables:
  visits:
    read: csv
    files: [visits.csv, visits-2.csv]
    key: visit
    columns: {visit: text, patient: int, said: text}
"""
REGISTRY = """\
kind: source
name: registry
title: A list of patients
use: {access: open, external_services: "yes"}
license: CC0 1.0
identity: {space: shared, patient: patient, study: study}
tables:
  listed:
    read: csv
    files: listed.csv
    columns: {patient: int, study: text, part: split}
splits:
  official: {table: listed, column: part}
"""
SPACES = """\
kind: spaces
spaces:
  shared: {authority: registry.official, otherwise: train}
"""
WORDS = """\
kind: words
rules:
  this: |
    this
    the given
"""
SPEC = """\
kind: spec
name: {name}
source: {source}
from: {start}
{rest}
turns:
  - prompt: {prompt}
    answer: {{format: text, text: said}}
"""
NOTED = """\
steps:
  - join: {table: remarks, on: study, take: [remark], kind: left}
key: image
inputs: {said: text}
bind: {said: remark ?? view}"""
SHOWN = """\
key: image
inputs: {images: list of image, said: text}
bind: {images: "[image]", said: view}"""
WARD = """\
key: study
inputs: {said: text}
bind: {said: note}"""
VISIT = """\
key: visit
inputs: {said: text}
bind: {said: said}"""
TEXTS = {
    "sources/lab.yaml": LAB,
    "sources/clinic.yaml": CLINIC,
    "sources/registry.yaml": REGISTRY,
    "spaces.yaml": SPACES,
    "words.yaml": WORDS,
    "tasks/noted/lab.yaml": SPEC.format(
        name="Noted", source="lab", start="images", rest=NOTED, prompt="Tell it of <this> image."
    ),
    "tasks/shown/lab.yaml": SPEC.format(
        name="Shown", source="lab", start="later", rest=SHOWN, prompt="Say which view it is."
    ),
    "tasks/ward/lab.yaml": SPEC.format(
        name="Ward", source="lab", start="notes", rest=WARD, prompt="Say what was noted."
    ),
    "tasks/visit/clinic.yaml": SPEC.format(
        name="Visit", source="clinic", start="visits", rest=VISIT, prompt="Say what was said."
    ),
}
FILES = {
    "lab/images.csv": "image,patient,study,view\na.png,1,1,PA\nb.png,1,2,AP\nc.png,2,3,LL\n",
    "lab/notes/one.csv": "patient,study,note\n1,1,clear\n",
    "lab/notes/two.csv": "patient,study,note\n2,3,full\n",
    "clinic/visits.csv": "visit,patient,said\nv1,7,cough\nv2,8,fever\n",
}
SPECS = ("noted/lab", "shown/lab", "visit/clinic", "ward/lab")


LISTED = "patient,study,part\n7,v1,{}\n"


def compiled(texts: Mapping[str, str], published: bool = False) -> Compilation:
    """These files alone; what is never used in them is no matter."""
    files = [File(path, path, text) for path, text in texts.items()]
    compilation = compile([*files, made_up.licenses()], published)
    assert not compilation.errors, compilation.diagnostics
    return compilation


@dataclass
class Lab:
    """Specs as texts, a data root, and how a run is asked for. The output is `folder / "out"`."""

    folder: Path
    texts: dict[str, str] = field(default_factory=lambda: dict(TEXTS))
    asked: dict[str, Any] = field(default_factory=dict[str, Any])
    images: dict[str, Images] = field(default_factory=dict[str, Images])
    roots: dict[str, tuple[Path, ...]] = field(default_factory=dict[str, tuple[Path, ...]])
    seed: int = 1

    def place(self, out: Path | None = None, *names: str) -> InPlace:
        """What is in place, asked for these specs, else for all."""
        compilation = compiled(self.texts, self.asked.get("published", False))
        settings = Settings(self.data, out or self.out, Path("none"), self.seed, self.roots, self.images)
        specs = [compilation.specs[name] for name in names or compilation.specs]
        return InPlace(compilation, Request(settings, specs, accept_moves=True, **self.asked))

    def run(self, out: Path | None = None, *names: str) -> Result:
        place = self.place(out, *names)
        return run(place.compilation, place.request)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def at(self, path: str) -> Path:
        """Where a file of a source lies."""
        source, _, name = path.partition("/")
        return self.roots.get(source, (self.data / source,))[0] / name

    def write(self, path: str, text: str) -> None:
        made_up.write_text(self.at(path), text)

    def replace(self, path: str, old: str, new: str) -> None:
        """Change a file of specs."""
        assert old in self.texts[path]
        self.texts[path] = self.texts[path].replace(old, new)


def everything(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def places(out: Path) -> dict[str, tuple[int, int]]:
    """Which file lies where, and when it was written."""
    return {p.relative_to(out).as_posix(): (p.stat().st_ino, p.stat().st_mtime_ns) for p in out.rglob("*.*")}


def long_ago(folder: Path) -> None:
    """All files below a folder as though they were not written just now, when nobody can tell two writes apart."""
    for path in folder.rglob("*"):
        os.utime(path, ns=(10**18, 10**18))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `data` and the `out` made from it."""
    lab = Lab(tmp_path_factory.mktemp("made"))
    for path, text in FILES.items():
        lab.write(path, text)
    long_ago(lab.data)
    assert set(lab.run().made) == set(SPECS)
    return lab.folder


@pytest.fixture
def lab(tmp_path: Path, made: Path) -> Lab:
    """A copy, to change."""
    shutil.copytree(made, tmp_path / "lab")
    return Lab(tmp_path / "lab")


# ---- what changes, and what is made again for it


Edit = Callable[[Lab], None]


def edit(path: str, old: str, new: str) -> Edit:
    """A change in a file of specs."""
    return lambda lab: lab.replace(path, old, new)


def data(path: str, text: str) -> Edit:
    """A file of the data root written anew."""
    return lambda lab: lab.write(path, text)


def ask(**asked: Any) -> Edit:
    """Another option."""
    return lambda lab: lab.asked.update(asked)


def in_place(lab: Lab) -> None:
    """A cell of the same size, written into the file, whose times are put back."""
    path = lab.at("lab/notes/one.csv")
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(-2, os.SEEK_END)
        file.write(b"!")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def other_seed(lab: Lab) -> None:
    lab.seed = 2


def pictures_elsewhere(lab: Lab) -> None:
    lab.images["lab"] = Images(lab.data / "converted", "{stem}.webp")


def other_root(lab: Lab) -> None:
    """The same files under another roof: nothing that a run says of them is the same."""
    (lab.data / "clinic").rename(lab.folder / "elsewhere")
    lab.roots["clinic"] = (lab.folder / "elsewhere",)


def all_roots(lab: Lab) -> None:
    """The data root under another name, which no example and no manifest speaks of."""
    (lab.folder / "data").rename(lab.folder / "moved")
    (lab.folder / "data").symlink_to("moved")


def rewritten(lab: Lab) -> None:
    """All files as they are, in new places and with new times."""
    for path in [path for path in lab.folder.rglob("*.csv") if path.is_file()]:
        text = path.read_text()
        path.unlink()
        path.write_text(text)


def turned(lab: Lab) -> None:
    """All mappings of all files of specs in another order."""
    for path, text in lab.texts.items():
        lines = text.splitlines()
        at = [n for n, line in enumerate(lines) if line and not line.startswith((" ", "-"))] + [len(lines)]
        blocks = [lines[one:two] for one, two in pairwise(at)]
        lab.texts[path] = "\n".join(line for block in reversed(blocks) for line in block) + "\n"


def other_name(lab: Lab) -> None:
    lab.at("clinic/visits.csv").rename(lab.at("clinic/visits-2.csv"))


def removed(path: str) -> Edit:
    """Files of the output that somebody took away."""

    def remove(lab: Lab) -> None:
        for file in lab.out.glob(path):
            file.unlink()

    return remove


def cut(path: str) -> Edit:
    """Files of the output that are not all there."""

    def cut(lab: Lab) -> None:
        for file in lab.out.glob(path):
            file.write_bytes(b"PAR1")

    return cut


@dataclass(frozen=True)
class Change:
    """Something that changes, the specs that are made for it, and whether anything else is written (the manifest)."""

    name: str
    does: Edit
    makes: tuple[str, ...] = ()
    writes: bool = False


NOTED_FILE, SHOWN_FILE, LAB_FILE = "tasks/noted/lab.yaml", "tasks/shown/lab.yaml", "sources/lab.yaml"
OF_LAB, OF_IMAGES, VISITS = ("noted/lab", "shown/lab", "ward/lab"), ("noted/lab", "shown/lab"), ("visit/clinic",)
CHANGES = (
    Change("nothing", lambda lab: None),
    # what says the same
    Change("a comment", edit(LAB_FILE, "tables:", "# tables of the lab\ntables:")),
    Change("the order of keys", turned),
    Change("files written anew", rewritten),
    Change("times of files", lambda lab: long_ago(lab.data)),
    Change("another name of the data root", all_roots),
    Change("a file that no spec reads", data("lab/notes/read.me", "no notes")),
    # what the manifest says, and no example
    Change("the title of a source", edit(LAB_FILE, "A made-up set", "A set"), writes=True),
    Change("terms", edit(LAB_FILE, "access: open", "access: registration"), writes=True),
    Change("the row of the published table", edit(NOTED_FILE, "inputs:", "published: {row: [A, B], because: x}\ninputs:"), writes=True),
    # specs
    Change("a prompt", edit(SHOWN_FILE, "Say which", "Tell which"), ("shown/lab",)),
    Change("a word", edit("words.yaml", "the given", "the shown"), ("noted/lab",)),
    Change("a filter of a table", edit(LAB_FILE, "study > 1", "study > 2"), ("shown/lab",)),
    Change("a type", edit(LAB_FILE, "remark: text", "remark: text | null"), ("noted/lab",)),
    Change("what is otherwise in a space", edit("spaces.yaml", "otherwise: train", "otherwise: val"), VISITS),
    Change("bounds", edit(SHOWN_FILE, "key:", "expect: {train: [0, 9]}\nkey:"), ("shown/lab",)),
    # files
    Change("a cell", data("lab/images.csv", FILES["lab/images.csv"].replace("PA", "AP")), OF_IMAGES),
    Change("a cell, and nothing to see of it", in_place, ("ward/lab",)),
    Change("a file that a pattern matches", data("lab/notes/three.csv", "patient,study,note\n5,5,late\n"), ("ward/lab",)),
    Change("a file less", lambda lab: lab.at("lab/notes/two.csv").unlink(), ("ward/lab",)),
    Change("a table that may be absent", data("lab/remarks.csv", "study,remark\n1,odd\n"), ("noted/lab",)),
    Change("an authority that comes", data("registry/listed.csv", LISTED.format("val")), VISITS),
    Change("a file under its other name", other_name, VISITS),
    Change("another folder of a source", other_root, VISITS),
    # the way
    Change("the seed", other_seed, SPECS),
    Change("the dialect of boxes", ask(boxes="unit"), SPECS),
    Change("the format", ask(emit=Formats("jsonl")), SPECS),
    Change("another format beside it", ask(emit=Formats("jsonl", ("parquet",))), SPECS),
    Change("a limit", ask(limit=2), SPECS),
    Change("the mode", ask(published=True), SPECS),
    Change("where pictures lie", pictures_elsewhere, OF_LAB),
    # the output
    Change("a file of the output gone", removed("ward/lab/train-*"), ("ward/lab",)),
    Change("a file of the output cut", cut("ward/lab/train-*"), ("ward/lab",)),
    Change("no card", removed("README.md"), writes=True),
)  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_what_is_modified_by_a_change(lab: Lab, change: Change) -> None:
    change.does(lab)
    assert lab.place().modified() == set(change.makes)


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_what_is_written_for_a_change(lab: Lab, change: Change) -> None:
    before = places(lab.out)
    change.does(lab)
    lab.run()
    after = places(lab.out)
    new = {path for path in after if after[path] != before.get(path)}
    assert {path for path in new if "/" in path} == {path for path in after if path.startswith(change.makes)}
    assert bool(new) == bool(change.makes or change.writes)


def sequence(lab: Lab, seed: int, every: int) -> None:
    """All changes in some order, one on the other: what is modified is made, the files of others stay where they are, and
    now and then the output is compared with one made from nothing."""
    for number, change in enumerate(random.Random(seed).sample(CHANGES, len(CHANGES)), 1):
        change.does(lab)
        before, place = places(lab.out), lab.place()
        modified = place.modified()
        result = run(place.compilation, place.request)
        assert not result.failed
        assert set(result.made) == modified, change.name
        assert set(result.kept) == set(SPECS) - modified
        kept = tuple(f"{name}/" for name in result.kept)
        assert all(at == before[path] for path, at in places(lab.out).items() if path.startswith(kept))
        if number % every == 0:
            lab.run(lab.folder / f"anew{number}")
            assert everything(lab.out) == everything(lab.folder / f"anew{number}"), change.name


def test_after_many_changes_it_is_what_a_run_from_nothing_makes(lab: Lab) -> None:
    sequence(lab, 1, len(CHANGES))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_after_each_change_it_is_what_a_run_from_nothing_makes(lab: Lab, seed: int) -> None:
    sequence(lab, seed, 1)


# ---- what else it hangs on


@pytest.mark.parametrize("what", ["polars", "polars_hash", "python"])
def test_another_version_makes_all_anew(lab: Lab, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    now = getattr(unchanged, "_versions")()  # noqa: B009  it is not for others
    monkeypatch.setattr(unchanged, "_versions", lambda: replace(now, **{what: "99.1"}))
    assert lab.place().modified() == set(SPECS)


def test_all_code_that_a_run_loads_has_a_part_in_the_digest() -> None:
    script = "import cxrspec.runtime.run, sys; print(*(m.__file__ for n, m in sys.modules.items() if 'cxrspec.' in n))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    folders = {Path(path).parent for path in done.stdout.split() if path != "None"}
    assert len(folders) > 3
    assert folders <= {*code.MAKING}


def test_other_code_makes_all_anew(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of its files has a part in the digest, those of readers and emitters, too."""
    known = code.digest(code.MAKING)
    for folder in code.MAKING:
        copy = lab.folder / "code" / folder.name
        shutil.copytree(folder, copy)
        (copy / "__init__.py").write_text("# another version\n")
        folders = [copy if one == folder else one for one in code.MAKING]
        assert code.digest(folders) != known
    monkeypatch.setattr(unchanged, "code", lambda: "another")
    assert lab.place().modified() == set(SPECS)


def watched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are hashed from now on."""
    hashed: list[str] = []

    def hash(path: Path) -> str:
        hashed.append(path.name)
        return hash_file(path)

    monkeypatch.setattr(disk, "hash_file", hash)
    return hashed


@pytest.fixture
def settled(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A lab whose files are known, and taken to have been written long ago."""
    monkeypatch.setattr(disk, "RECENT", 0)
    assert lab.run().made == ()  # a copy has other inodes
    return lab


def test_when_nothing_changed_nothing_is_opened_and_nothing_written(
    settled: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither files of sources and of the output, nor what loads Polars."""
    before, hashed = places(settled.folder), watched(monkeypatch)

    def make(*_: object) -> None:
        pytest.fail("there was nothing to do")

    monkeypatch.setattr("cxrspec.runtime.run.make", make)
    result = settled.run()
    assert (result.made, set(result.kept), result.failed) == ((), set(SPECS), False)
    assert (hashed, places(settled.folder)) == ([], before)


@pytest.mark.parametrize("says", ["", "cxrspec 0000 elsewhere\nlab.images 00\t[]", "\xff", None])
def test_without_what_was_seen_files_are_hashed(
    settled: Lab, monkeypatch: pytest.MonkeyPatch, says: str | None
) -> None:
    """Of no run, of another machine, damaged, or lost."""
    path = settled.folder / ".out.disk"
    path.unlink() if says is None else path.write_text(says, encoding="latin-1")
    hashed = watched(monkeypatch)
    assert settled.run().made == ()
    assert len(hashed) == len(FILES) + len(SPECS)
    assert settled.run().made == ()
    assert len(hashed) == len(FILES) + len(SPECS)


def test_what_was_seen_may_be_cut_anywhere(settled: Lab) -> None:
    path = settled.folder / ".out.disk"
    text = path.read_text()
    for end in range(0, len(text), 97):
        path.write_text(text[:end])
        assert settled.place().modified() == set()


def test_below_a_folder_whose_name_is_not_utf_8_files_are_known_again(
    settled: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = settled.folder / os.fsdecode(b"donn\xe9es")
    settled.data.rename(data)
    monkeypatch.setattr(Lab, "data", data)
    hashed = watched(monkeypatch)
    for _ in ("another place", "the same"):
        assert settled.run().made == ()
        assert len(hashed) == len(FILES)


def test_a_file_that_was_just_written_is_hashed_once_more(settled: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its times may be the same after one more change."""
    monkeypatch.setattr(disk, "RECENT", 10**9)
    settled.write("lab/images.csv", FILES["lab/images.csv"])
    hashed = watched(monkeypatch)
    for count in (1, 2):
        assert settled.run().made == ()
        assert hashed == ["images.csv"] * count


def test_a_folder_whose_times_are_the_same_is_not_listed(settled: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[str] = []

    def names_in(folder: str) -> list[str]:
        listed.append(Path(folder).name)
        return os.listdir(folder)  # noqa: PTH208 - as in the product

    monkeypatch.setattr(disk, "names_in", names_in)
    notes = settled.folder / "data/lab/notes"
    assert settled.place().modified() == set()
    assert not listed
    os.utime(notes)
    assert settled.place().modified() == set()
    assert listed == ["notes"]
    before = notes.stat()
    (next(notes.iterdir())).rename(notes / "other.csv")
    os.utime(notes, ns=(before.st_atime_ns, before.st_mtime_ns))  # the ctime tells
    assert settled.place().modified() == {"ward/lab"}


def test_what_cannot_be_seen_of_an_output_is_found_by_verify(lab: Lab) -> None:
    lab.run()
    (file,) = (lab.out / "ward/lab").iterdir()
    before = file.stat()
    with file.open("r+b") as opened:
        opened.seek(8)
        opened.write(b"\0\0\0\0")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert lab.place().modified() == set()
    lab.asked["verify"] = True
    assert lab.place().modified() == {"ward/lab"}
    assert lab.run().made == ("ward/lab",)
    lab.run(lab.folder / "anew")
    assert everything(lab.out) == everything(lab.folder / "anew")


def test_files_that_change_while_they_are_read_stop_their_specs(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are made, and the next run makes them."""
    lab.write("lab/notes/two.csv", "patient,study,note\n2,3,changed\n")
    lab.write("lab/images.csv", FILES["lab/images.csv"].replace("PA", "AP"))

    def read(*asked: Any) -> Any:
        lab.write("lab/notes/two.csv", "patient,study,note\n2,3,changed again\n")
        return read_table(*asked)

    with monkeypatch.context() as patch:
        patch.setattr("cxrspec.runtime.making.read_table", read)
        result = lab.run()
    assert made_up.codes(result) == [("CXR616", "ward/lab")]
    assert set(result.made) == set(OF_IMAGES)
    assert lab.run().made == ("ward/lab",)
    assert "changed again" in str(made_up.rows(lab.out, "ward/lab"))


# ---- a part of the specs


def test_what_is_not_asked_for_stays_and_is_known_to_be_modified(lab: Lab) -> None:
    lab.write("lab/images.csv", FILES["lab/images.csv"].replace("PA", "AP"))
    result = lab.run(None, "shown/lab", "ward/lab")
    assert (result.made, result.kept) == (("shown/lab",), ("ward/lab",))
    assert lab.place().modified() == {"noted/lab"}
    files = result.manifest.inputs
    assert len([name for name, read in files.items() if read[0].path == "lab/images.csv"]) == 2
    lab.run()
    lab.run(lab.folder / "anew")
    assert everything(lab.out) == everything(lab.folder / "anew")


def test_what_was_said_of_others_stays(lab: Lab) -> None:
    """That a spec has no data is no news of a run that does not ask for it."""
    lab.write("clinic/visits.csv", "visit,patient,said\nv1,7,\n")
    assert lab.run().stopped == VISITS
    lab.write("lab/notes/two.csv", "patient,study,note\n2,3,changed\n")
    assert lab.run().stopped == VISITS
    result = lab.run(None, "noted/lab")
    assert (result.kept, result.stopped) == (("noted/lab",), ())
    assert [failed.name for failed in result.manifest.failed] == ["visit/clinic"]


def test_a_spec_that_is_no_more_goes(lab: Lab) -> None:
    del lab.texts[SHOWN_FILE]
    assert lab.run().made == ()
    assert not (lab.out / "shown").exists()
    lab.run(lab.folder / "anew")
    assert everything(lab.out) == everything(lab.folder / "anew")


def test_damage_of_what_is_not_asked_for_is_said(lab: Lab) -> None:
    removed("ward/lab/train-*")(lab)
    with pytest.raises(OutputError, match="ward/lab") as caught:
        lab.run(None, "shown/lab")
    assert caught.value.diagnostic.code == "CXR806"
    assert lab.run(None, "shown/lab", "ward/lab").made == ("ward/lab",)


def test_a_manifest_that_does_not_read_is_written_anew_with_all_specs(lab: Lab) -> None:
    (lab.out / "manifest.json").write_text('{"versions": {"cxrspec": "0.0.1"}}')
    with pytest.raises(OutputError) as caught:
        lab.run(None, "shown/lab")
    assert caught.value.diagnostic.code == "CXR806"
    assert set(lab.run().made) == set(SPECS)


# ---- the commands


@pytest.mark.slow
def test_the_commands_name_what_is_modified(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(lab.folder)
    for path, text in lab.texts.items():
        made_up.write_text(Path("specs") / path, text)
    chosen = ["--select", "source:lab", "--select", "source:clinic"]
    assert cxrspec("run", *chosen).exit_code == 0
    modified = ["--select", "state:modified", "--format", "json"]
    assert json.loads(cxrspec("ls", *modified).stdout) == []
    done = cxrspec("run", "--select", "state:modified")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "no spec is modified\n")
    lab.write("lab/images.csv", FILES["lab/images.csv"].replace("PA", "AP"))
    assert [row["name"] for row in json.loads(cxrspec("ls", *modified).stdout)] == list(OF_IMAGES)
    done = cxrspec("run", *chosen)
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == list(OF_IMAGES)
    assert "kept 2 specs as they were" in done.stderr
    assert cxrspec("ls", "--select", "state:modifed").exit_code == 2
