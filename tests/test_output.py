"""The output folder: whole or untouched, whatever happens on the way."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

from cxrspec.runtime import output
from cxrspec.runtime.output import OutputError, carry, open_output, recover

MANIFEST = json.dumps({"versions": {"cxrspec": "0"}})


def no_exchange(*_: object) -> bool:
    return False


@pytest.fixture(params=["exchange", "renames"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to put an output in place; the second is for systems without the first."""
    if request.param == "renames":
        monkeypatch.setattr(output, "_exchange", no_exchange)
    return str(request.param)


def fill(folder: Path, text: str, files: int = 3) -> None:
    """An output of which every file holds the same text, so that a mixture of two is seen."""
    (folder / "part").mkdir()
    for number in range(files):
        (folder / "part" / f"{number}.txt").write_text(text)
    (folder / "manifest.json").write_text(MANIFEST)


def publish(out: Path, text: str) -> None:
    with open_output(out) as building:
        fill(building.folder, text)
        building.publish()


def enter(out: Path) -> None:
    """Open an output that should not open."""
    with open_output(out):
        pytest.fail("opened")


def content(out: Path) -> str:
    """The one text of a complete output."""
    texts = {path.read_text() for path in sorted((out / "part").iterdir(), key=str)}
    assert len(list((out / "part").iterdir())) == 3
    assert (out / "manifest.json").read_text() == MANIFEST
    (text,) = texts
    return text


def beside(out: Path) -> set[str]:
    return {path.name for path in out.parent.iterdir()} - {out.name, f".{out.name}.lock"}


@contextmanager
def refused(code: str) -> Generator[list[str]]:
    """Expect the finding `code`; its message is in the list afterwards."""
    said: list[str] = []
    with pytest.raises(OutputError) as caught:
        yield said
    assert caught.value.diagnostic.code == code
    said.append(caught.value.diagnostic.message)


def test_a_published_output_replaces_the_old_one(tmp_path: Path, way: str) -> None:
    out = tmp_path / "deep" / "corpus"
    for text in ("one", "two", "three"):
        publish(out, text)
        assert content(out) == text
        assert beside(out) == set(), way


def test_an_empty_folder_is_replaced(tmp_path: Path, way: str) -> None:
    (tmp_path / "corpus").mkdir()
    publish(tmp_path / "corpus", "one")
    assert content(tmp_path / "corpus") == "one", way


def test_a_link_stays_and_its_folder_is_replaced(tmp_path: Path, way: str) -> None:
    publish(tmp_path / "real", "one")
    (tmp_path / "link").symlink_to("real")
    publish(tmp_path / "link", "two")
    assert (tmp_path / "link").is_symlink(), way
    assert content(tmp_path / "real") == "two"


def test_leaving_without_publish_changes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "corpus"
    publish(out, "one")
    with open_output(out) as building:
        fill(building.folder, "two")
    with pytest.raises(OutputError, match="on the way"), open_output(out):
        raise OutputError("CXR700", "on the way")
    assert content(out) == "one"
    assert beside(out) == set()


def test_a_failing_second_rename_leaves_the_old_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "corpus"
    publish(out, "one")
    monkeypatch.setattr(output, "_exchange", no_exchange)
    rename = Path.rename

    def stubborn(self: Path, target: Path) -> Path:
        if self.name.endswith(".building"):
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", stubborn)
    with refused("CXR803"):
        publish(out, "two")
    assert content(out) == "one"
    assert beside(out) == set()


def test_an_output_without_manifest_is_not_published(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"without a manifest\.json"), open_output(tmp_path / "corpus") as building:
        building.publish()
    assert not (tmp_path / "corpus").exists()


def test_a_second_run_is_refused_and_names_the_first(tmp_path: Path) -> None:
    out = tmp_path / "corpus"
    with open_output(out) as building:
        fill(building.folder, "one")
        with refused("CXR801") as said:
            enter(out)
        assert building.folder.is_dir()
        building.publish()
    assert str(out) in said[0]
    assert f"process {os.getpid()}" in said[0]
    assert content(out) == "one"
    publish(out, "two")


@pytest.mark.parametrize("manifest", [None, "", "[]", "{}", '{"versions": 3}', '{"versions": {"browser": "1"}}'])
def test_a_folder_of_somebody_else_is_not_replaced(tmp_path: Path, manifest: str | None) -> None:
    out = tmp_path / "thesis"
    out.mkdir()
    (out / "chapter.tex").write_text("work of years")
    if manifest is not None:
        (out / "manifest.json").write_text(manifest)
    with refused("CXR802") as said:
        enter(out)
    assert str(out) in said[0]
    assert (out / "chapter.tex").read_text() == "work of years"
    assert beside(out) == set()


def test_a_file_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "corpus").write_text("text")
    with refused("CXR802"):
        enter(tmp_path / "corpus")
    assert (tmp_path / "corpus").read_text() == "text"


def test_a_folder_called_old_is_left_alone(tmp_path: Path, way: str) -> None:
    (tmp_path / "corpus.old").mkdir()
    (tmp_path / "corpus.old" / "mine.txt").write_text("kept")
    publish(tmp_path / "corpus", "one")
    publish(tmp_path / "corpus", "two")
    assert (tmp_path / "corpus.old" / "mine.txt").read_text() == "kept", way


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with refused("CXR803") as said:
        enter(tmp_path / "file" / "corpus")
    assert str(tmp_path / "file" / "corpus") in said[0]


def test_a_mount_point_is_refused() -> None:
    with refused("CXR803"):
        enter(Path("/proc"))


def test_the_new_output_is_as_private_as_the_old_one(tmp_path: Path, way: str) -> None:
    publish(tmp_path / "corpus", "one")
    (tmp_path / "corpus").chmod(0o700)
    publish(tmp_path / "corpus", "two")
    assert (tmp_path / "corpus").stat().st_mode & 0o777 == 0o700, way


FULL = Path("/dev/full")  # a device on which every write ends with "no space left"


@pytest.mark.skipif(not FULL.exists(), reason="the device exists on Linux only")
@pytest.mark.parametrize("writer", ["parquet", "ndjson", "python"])
def test_a_full_disk_is_said(tmp_path: Path, writer: str) -> None:
    out = tmp_path / "corpus"
    publish(out, "one")
    frame = pl.DataFrame({"a": ["x" * 100_000]})
    with refused("CXR804") as said, open_output(out) as building:
        path = building.folder / "part"
        path.symlink_to(FULL)
        match writer:
            case "parquet":
                frame.write_parquet(path)
            case "ndjson":
                frame.write_ndjson(path)
            case _:
                path.write_text("x" * 100_000)
    assert str(out) in said[0]
    assert content(out) == "one"
    assert beside(out) == set()


def test_carried_files_are_links(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    fill(old, "one")
    carry(old, new, ["part/0.txt"])
    assert (new / "part" / "0.txt").samefile(old / "part" / "0.txt")
    assert [path.name for path in (new / "part").iterdir()] == ["0.txt"]


def test_carried_files_are_copied_where_links_are_not_possible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EXDEV, "another file system")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    fill(old, "one")
    carry(old, new, ["part/0.txt"])
    assert (new / "part" / "0.txt").read_text() == "one"
    assert not (new / "part" / "0.txt").samefile(old / "part" / "0.txt")


def test_links_are_not_harmed_when_the_old_output_goes(tmp_path: Path, way: str) -> None:
    out = tmp_path / "corpus"
    publish(out, "one")
    with open_output(out) as building:
        carry(out, building.folder, ["part/0.txt", "part/1.txt", "part/2.txt", "manifest.json"])
        building.publish()
    assert content(out) == "one", way


# A killed run. The child publishes "0", "1", ... and says so; every text stands in all files of its output.

CHILD = """
import os, signal, sys
from pathlib import Path
from cxrspec.runtime import output

out, way, rounds, victim = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
if way == "renames":
    output._exchange = lambda *_: False
seen = 0

def count(event, _):
    global seen
    if event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree", "open", "os.truncate"):
        seen += 1
        if seen == victim:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
for number in range(rounds):
    with output.open_output(out) as building:
        (building.folder / "part").mkdir()
        for name in range(3):
            (building.folder / "part" / f"{name}.txt").write_text(str(number))
        (building.folder / "manifest.json").write_text('{"versions": {"cxrspec": "0"}}')
        building.publish()
    print(number, flush=True)
"""


def child(out: Path, way: str, rounds: int, victim: int = 0) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", CHILD, str(out), way, str(rounds), str(victim)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def said_and_done(process: subprocess.Popen[str], out: Path, printed: str = "") -> int:
    """After a kill: the output is what was said last, or the next one, whole; gives its number, -1 for none."""
    last = (printed + process.communicate()[0]).split()
    said = int(last[-1]) if last else -1
    recover(out)
    found = int(content(out)) if out.exists() else -1
    assert found in (said, said + 1)
    with open_output(out):
        assert beside(out) == {f".{out.name}.building"}
    assert beside(out) == set()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["exchange", "renames"])
def test_killed_at_every_step(tmp_path: Path, mode: str) -> None:
    """The child is killed before its 1st, 2nd, ... change of a file, until it comes through."""
    outcomes: set[int] = set()
    for victim in range(1, 500):
        out = tmp_path / str(victim) / "corpus"
        out.parent.mkdir()
        with child(out, mode, rounds=2, victim=victim) as process:
            outcomes.add(said_and_done(process, out))
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
        publish(out, "next")
        assert content(out) == "next"
    else:
        pytest.fail("the child never came through")
    assert outcomes == {-1, 0, 1}
    assert victim > 20


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["exchange", "renames"])
def test_killed_at_random_moments(tmp_path: Path, mode: str) -> None:
    out = tmp_path / "corpus"
    chance = random.Random(1)
    for _ in range(8):
        with child(out, mode, rounds=10_000) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            time.sleep(chance.uniform(0, 0.05))
            process.kill()
            said_and_done(process, out, first)
    publish(out, "next")
    assert content(out) == "next"
