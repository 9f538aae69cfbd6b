"""What was read before is taken from the store as it would come from the files, and only while these are the same."""

from __future__ import annotations

import builtins
import io
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from cxrspec.compiler.plan import Part, Place, Read
from cxrspec.compiler.types import INT, TEXT, ListOf, RecordOf, nullable
from cxrspec.runtime import archives, demo, disk, locate
from cxrspec.runtime.disk import Disk
from cxrspec.runtime.locate import Roots
from cxrspec.runtime.reading import Table, read_table
from cxrspec.runtime.store import Store

from . import made_up
from .test_reading import column, own, put, table, tar

WORDS = ListOf(RecordOf((("text", TEXT), ("places", ListOf(INT)))))
NOTES = table(
    "jsonl",
    "{n}.jsonl",
    column("n", INT),
    column("id", INT),
    column(
        "words", nullable(WORDS), "words", each=(Part("text", Place("name", "t")), Part("places", Place("name", "p")))
    ),
    key=("id",),
)
LAST = [n for n in range(3000) if crc32(f"{n}.jsonl".encode()) % 256 == 0]
"""Files that end a lot."""


def write_notes(root: Path, files: int) -> None:
    for n in range(files):
        words = '[{"t": "a", "p": [1, 2]}, {"t": "b", "p": []}]' if n % 3 else "null"
        put(root, f"{n}.jsonl", f'{{"id": {2 * n}, "words": {words}}}\n\n{{"id": {2 * n + 1}, "words": []}}\n')


@pytest.fixture(autouse=True)
def long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as old enough that a change after this moment would show."""
    for module in (locate, disk):
        monkeypatch.setattr(module, "RECENT", -(10**18))


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Counter[Path]:
    """How often readers open each file on disk."""
    count = Counter[Path]()
    stream = locate._stream  # pyright: ignore[reportPrivateUsage]

    def counted(disk: Path, files: Any) -> Any:
        count[disk] += 1
        return stream(disk, files)

    monkeypatch.setattr(locate, "_stream", counted)
    return count


def take(root: Path, read: Read, store: Store | None) -> Table:
    """The table as a run reads it."""
    roots = Roots(root, {}, store or Store(root / "none"))
    record = Disk(roots, root / "out").record(read) if store is not None else None
    return read_table(read, [c.name for c in read.columns], roots, record)


def lots(store: Store) -> list[Path]:
    return sorted(store.folder.glob("*.lot"))


def test_a_stored_table_is_the_one_that_was_read(tmp_path: Path, opened: Counter[Path]) -> None:
    write_notes(tmp_path, 5)
    plain = take(tmp_path, NOTES, None)
    assert plain.frame.height == 10
    assert plain.frame["words"].null_count() == 2
    opened.clear()
    first = take(tmp_path, NOTES, Store(tmp_path / "lots"))
    assert set(opened.values()) == {1}
    opened.clear()
    again = take(tmp_path, NOTES, Store(tmp_path / "lots"))
    assert not opened
    for done in (first, again):
        assert done.frame.equals(plain.frame)
        assert done.frame.schema == plain.frame.schema
        assert (done.problems, done.files) == (plain.problems, plain.files)


def test_a_key_of_a_stored_file_that_repeats_is_found_at_its_line(tmp_path: Path) -> None:
    write_notes(tmp_path, LAST[0] + 2)
    first, last = str(LAST[0]), str(LAST[0] + 1)
    for name in (first, last):  # the one ends a lot, as the order of names is not that of numbers
        put(tmp_path, f"{name}.jsonl", '{"id": 70000}\n\n\n{"id": 80000}\n')
    plain = take(tmp_path, NOTES, None)
    store = Store(tmp_path / "lots")
    assert take(tmp_path, NOTES, store).problems == plain.problems
    stored = take(tmp_path, NOTES, store)
    assert stored.problems == plain.problems
    assert [found.code for found in stored.problems] == ["CXR706"]


def test_a_change_invalidates_its_lot_only(tmp_path: Path, opened: Counter[Path]) -> None:
    write_notes(tmp_path, LAST[1] + 1)
    store = Store(tmp_path / "lots")
    before = take(tmp_path, NOTES, store)
    assert len(lots(store)) > 1
    opened.clear()
    put(tmp_path, "0.jsonl", '{"id": 90000}\n')
    after = take(tmp_path, NOTES, store)
    assert 0 < len(opened) < len(before.files)
    assert after.frame.height == before.frame.height - 1
    assert after.frame.equals(take(tmp_path, NOTES, None).frame)
    opened.clear()
    put(tmp_path, f"{10**6}.jsonl", '{"id": 95000}\n')  # one more file moves no others to another lot
    assert take(tmp_path, NOTES, store).frame.height == after.frame.height + 1
    assert 0 < len(opened) < len(before.files)


def test_a_touched_file_is_not_read_again(tmp_path: Path, opened: Counter[Path]) -> None:
    write_notes(tmp_path, 3)
    store = Store(tmp_path / "lots")
    take(tmp_path, NOTES, store)
    opened.clear()
    os.utime(tmp_path / "s" / "1.jsonl", ns=(0, 0))
    assert take(tmp_path, NOTES, store).frame.height == 6
    assert not opened


@pytest.mark.parametrize("text", ['{"id": "x"}', '{"id": null}', '{"id": 1', "[]", ""])
def test_what_has_findings_is_read_each_time(tmp_path: Path, text: str) -> None:
    put(tmp_path, "1.jsonl", text)
    store = Store(tmp_path / "lots")
    plain = take(tmp_path, NOTES, None)
    assert plain.problems
    for _ in range(2):
        assert take(tmp_path, NOTES, store).problems == plain.problems
    assert not lots(store)


def test_other_columns_and_rules_are_other_lots(tmp_path: Path) -> None:
    put(tmp_path, "x.json", '[{"a": " 1 ", "b": "x"}]')
    store = Store(tmp_path / "lots")
    for made, cell in [
        (column("a"), " 1 "),
        (column("a", INT), 1),
        (column("a", TEXT, "b"), "x"),
        (column("a", squeeze=True), "1"),
    ]:
        assert take(tmp_path, table("json", "x.json", made, rows="[*]"), store).frame.rows() == [(cell,)]
    assert len(lots(store)) == 4


def test_a_file_that_changed_lately_is_not_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locate, "RECENT", 10**12)
    write_notes(tmp_path, 1)
    store = Store(tmp_path / "lots")
    take(tmp_path, NOTES, store)
    assert not lots(store)


def test_a_file_that_changes_while_it_is_read_is_not_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_notes(tmp_path, 1)
    stream = locate._stream  # pyright: ignore[reportPrivateUsage]

    def changing(disk: Path, files: Any) -> Any:
        disk.write_text('{"id": 3}\n')
        return stream(disk, files)

    monkeypatch.setattr(locate, "_stream", changing)
    store = Store(tmp_path / "lots")
    assert take(tmp_path, NOTES, store).frame.height == 1
    assert not lots(store)


def test_a_tar_is_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    listed = archives.tar_names

    def counted(path: Path) -> list[str]:
        names.append(path.name)
        return listed(path)

    monkeypatch.setattr(locate, "tar_names", counted)
    pictures = table("files", "*.png", column("path", TEXT, own("file")), packed=("a.tar.gz",))
    tar(tmp_path / "s" / "a.tar.gz", {f"images/{n}.png": "" for n in "12é"})
    store = Store(tmp_path / "lots")
    for _ in range(3):
        assert take(tmp_path, pictures, store).frame["path"].to_list() == ["1.png", "2.png", "é.png"]
    assert names == ["a.tar.gz"]
    tar(tmp_path / "s" / "a.tar.gz", {"images/3.png": ""})
    assert take(tmp_path, pictures, store).frame["path"].to_list() == ["3.png"]


# ---- the files of the store


def test_a_damaged_lot_counts_as_not_there(tmp_path: Path) -> None:
    write_notes(tmp_path, 2)
    store = Store(tmp_path / "lots")
    plain = take(tmp_path, NOTES, store)
    (lot,) = lots(store)
    whole = lot.read_bytes()
    for damaged in (b"", whole[:-1], whole[:40], whole[:50] + bytes([whole[50] ^ 1]) + whole[51:]):
        lot.write_bytes(damaged)
        assert take(tmp_path, NOTES, store).frame.equals(plain.frame)
        assert lot.read_bytes() == whole


def test_a_store_that_cannot_be_written_is_none(tmp_path: Path) -> None:
    write_notes(tmp_path, 1)
    (tmp_path / "lots").write_text("a file in its place")
    store = Store(tmp_path / "lots")
    assert take(tmp_path, NOTES, store).frame.height == 2
    store.tidy()


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    store = Store(tmp_path / "lots")
    store.put("a", b"some rows")
    assert store.folder.stat().st_mode & 0o077 == 0


def test_what_was_not_used_for_longest_goes(tmp_path: Path) -> None:
    store = Store(tmp_path / "lots")
    for age, key in enumerate("abcd"):
        store.put(key, b"some rows")
        os.utime(store.folder / f"{key}.lot", (1000 - age, 1000 - age))
    size = lots(store)[0].stat().st_size
    assert store.get("d") is not None
    Store(store.folder, 2 * size).tidy()
    assert [lot.stem for lot in lots(store)] == ["a", "d"]
    assert store.get("b") is None


def test_what_killed_commands_left_goes(tmp_path: Path) -> None:
    store = Store(tmp_path / "lots")
    store.put("a", b"some rows")
    old, new = store.folder / "b.1.2", store.folder / "c.1.2"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1000, 1000))
    store.tidy()
    assert {path.name for path in store.folder.iterdir()} == {"a.lot", "c.1.2"}


KILLED = """
import sys
from pathlib import Path
from cxrspec.runtime.store import Store
store = Store(Path(sys.argv[1]))
body = bytes(30_000_000)
print("ready", flush=True)
for number in range(1_000_000):
    store.put(str(number % 3), body)
"""


@pytest.mark.slow
def test_killed_while_writing(tmp_path: Path) -> None:
    """Lots are whole, at whatever moment the command that writes them is killed."""
    chance, store = random.Random(1), Store(tmp_path / "lots")
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", KILLED, str(store.folder)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(chance.uniform(0.1, 0.4))
            process.kill()
        assert {store.get(lot.stem) for lot in lots(store)} <= {bytes(30_000_000)}


# ---- whole runs


def test_a_run_opens_each_file_once_and_the_next_none_that_is_stored(tmp_path: Path, opened: Counter[Path]) -> None:
    data = made_up.extra_root(made_up.shipped_root(tmp_path / "data"))
    compilation = made_up.load(made_up.EXTRA)
    made_up.make(data, tmp_path / "out", compilation)
    assert set(opened.values()) == {1}
    whole = made_up.data_files(tmp_path / "out")
    opened.clear()
    made_up.make(data, tmp_path / "again", compilation)
    assert not {path.suffix for path in opened} & {".json", ".jsonl", ".xml", ".tgz"}
    assert made_up.data_files(tmp_path / "again") == whole


def test_a_run_opens_a_file_to_hash_it_and_to_read_it_and_an_archive_to_list_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the calls of Python that open files, so that none is forgotten; a second run has all that it needs beside OUT."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    data = made_up.extra_root(made_up.shipped_root(tmp_path / "data"))
    opened = Counter[Path]()
    for module in (builtins, io):
        monkeypatch.setattr(module, "open", counting(module.open, opened))
    made_up.make(data, tmp_path / "out", made_up.load(made_up.EXTRA))
    opens = {path: count for path, count in opened.items() if path.is_relative_to(data)}
    packed = {path for path in opens if path.suffix in (".tgz", ".zip")}
    assert {opens.pop(path) for path in packed} == {3}
    assert set(opens.values()) == {2}
    opened.clear()
    made_up.make(data, tmp_path / "out", made_up.load(made_up.EXTRA))
    assert not [path for path in opened if path.is_relative_to(data)]


def counting(open: Callable[..., Any], opened: Counter[Path]) -> Callable[..., Any]:
    """`open`, with a count of what is opened by its path."""

    def counted(file: Any, *rest: Any, **others: Any) -> Any:
        if not isinstance(file, int):
            opened[Path(file)] += 1
        return open(file, *rest, **others)

    return counted


@pytest.mark.slow
def test_a_run_of_all_that_ships_opens_each_file_once(tmp_path: Path, opened: Counter[Path]) -> None:
    made_up.make(demo.demo_root(), tmp_path / "out")
    assert len(opened) > 30
    assert set(opened.values()) == {1}
