"""The read phase on made-up files: what is found, what is refused, and that no message shows a cell."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cxrspec.compiler.codes import CODES
from cxrspec.compiler.diagnostics import DataPlace
from cxrspec.compiler.dtypes import dtype_of
from cxrspec.compiler.plan import Part, Place, RawColumn, Read
from cxrspec.compiler.types import BOOL, FLOAT, INT, SPLIT, TEXT, ListOf, RecordOf, Type, nullable
from cxrspec.runtime import archives
from cxrspec.runtime.locate import Roots, find, is_there
from cxrspec.runtime.reading import Table, read_table

CANARY = "xk7-CANARY"


def column(name: str, type: Type = TEXT, *places: str | int | Place, **rest: object) -> RawColumn:
    """A column from its name, from headers or paths, or from numbers."""
    made = tuple(
        p if isinstance(p, Place) else Place("name", p) if isinstance(p, str) else Place("column", index=p)
        for p in places or (name,)
    )
    return RawColumn(name, type, made, **rest)  # type: ignore[arg-type]


def own(kind: str, index: int = 0) -> Place:
    return Place(kind, index=index)  # type: ignore[arg-type]


def table(format: str, files: str | tuple[str, ...], *columns: RawColumn, **rest: object) -> Read:
    return Read("s.t", format, (files,) if isinstance(files, str) else files, columns, **rest)  # type: ignore[arg-type]


def put(root: Path, name: str, data: str | bytes) -> Path:
    path = root / "s" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def take(root: Path, read: Read) -> Table:
    """The table, after the laws that every reading keeps."""
    done = read_table(read, [c.name for c in read.columns], Roots(root, {}))
    assert dict(done.frame.schema) == {c.name: dtype_of(c.type) for c in read.columns}
    assert CANARY not in repr(done.problems)
    assert all(p.code in CODES for p in done.problems)
    located = find(read, Roots(root, {}))
    assert is_there(read, Roots(root, {})) == bool(located.files or located.problems)
    return done


def codes(done: Table) -> list[str]:
    return [p.code for p in done.problems]


def lines(done: Table) -> list[int | None]:
    return [p.label.line for p in done.problems if isinstance(p.label, DataPlace)]


def tar(path: Path, members: dict[str, str], mode: Literal["w:gz", "w"] = "w:gz") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:
        for name, text in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))


def zipped(path: Path, members: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)


def empty_is_null(cell: str) -> str | None:
    """Rule A8; the four separators of ASCII are no white space, though Python's `strip` takes them."""
    return cell if any(not letter.isspace() or letter in "\x1c\x1d\x1e\x1f" for letter in cell) else None


# ------------------------------------------------------------------------------------------------ where files lie

LISTING = table("files", "{part}/p*/s{n}.txt", column("part"), column("n", INT), column("path", TEXT, own("file")))


def test_captures_are_columns_of_every_row(tmp_path: Path) -> None:
    for name in ("train/p1/s10.txt", "val/p2/s11.txt", "val/p2/sx.txt", "val/p2/q/s1.txt", ".hid/p1/s1.txt"):
        put(tmp_path, name, "")
    done = take(tmp_path, LISTING)
    assert done.frame.rows() == [("train", 10, "train/p1/s10.txt"), ("val", 11, "val/p2/s11.txt")]
    assert not done.problems


def test_a_captured_column_with_values_takes_only_those(tmp_path: Path) -> None:
    for name in ("README.txt", "train.txt", "valid.txt"):
        put(tmp_path, name, "1\n")
    part = column("part", SPLIT, values=(("train", "train"), ("valid", "val")))
    done = take(tmp_path, table("csv", "{part}.txt", part, column("n", INT, 0), header=False))
    assert done.frame.rows() == [("train", 1), ("val", 1)]
    assert not done.problems


def test_alternatives_and_unions(tmp_path: Path) -> None:
    for name in ("b.csv", "c.csv", "d/1.csv", "e/1.csv"):
        put(tmp_path, name, "x\n1\n")
    assert [f.path for f in find(table("csv", ("a.csv", "b.csv", "c.csv")), Roots(tmp_path, {})).files] == ["b.csv"]
    union = find(table("csv", ("d/*.csv", "{x}/1.csv")), Roots(tmp_path, {})).files
    assert [f.path for f in union] == ["d/1.csv", "e/1.csv"]


def test_whether_a_table_is_there_its_first_file_says(tmp_path: Path) -> None:
    for name in ("1.tgz", "2.tgz"):
        tar(tmp_path / "s" / name, {f"{name}/x.txt": ""})
    roots = Roots(tmp_path, {})
    assert is_there(table("files", "x.txt", packed=("0.tgz", "*.tgz")), roots)
    assert [archive.name for archive in roots.listings] == ["1.tgz"]
    assert not is_there(table("files", "y.txt", packed=("*.tgz",)), roots)
    assert len(roots.listings) == 2


def test_roots_of_the_settings(tmp_path: Path) -> None:
    put(tmp_path, "one/x.csv", "x\n1\n")
    put(tmp_path, "two/y.csv", "x\n1\n")
    roots = Roots(tmp_path, {"s": (tmp_path / "s" / "one", tmp_path / "s" / "two")})
    assert [f.name for f in find(table("csv", "{x}.csv"), roots).files] == ["s/one/x.csv", "s/two/y.csv"]


def test_packed_forms(tmp_path: Path) -> None:
    put(tmp_path, "g.csv.gz", gzip.compress(b"x\n1\n"))
    zipped(tmp_path / "s/one.csv.zip", {"another name.csv": "x\n2\n", "__MACOSX/._x": ""})
    zipped(tmp_path / "s/two.csv.zip", {"deep/two.csv": "x\n3\n", "deep/other.csv": "x\n0\n"})
    tar(tmp_path / "s/all.tgz", {"top/in.csv": "x\n4\n", "./dot.csv": "x\n5\n", "a/b/too-deep.csv": "x\n0\n"})
    read = table("csv", "{f}.csv", column("f"), column("x", INT), packed=("all.tgz",))
    done = take(tmp_path, read)
    assert sorted(done.frame.rows()) == [("dot", 5), ("g", 1), ("in", 4), ("one", 2), ("two", 3)]
    assert {p.name for p in done.files} == {"g.csv.gz", "one.csv.zip", "two.csv.zip", "all.tgz"}
    for name, x in (("g", 1), ("one", 2), ("two", 3), ("dot", 5)):
        alone = take(tmp_path, table("csv", f"{name}.csv", column("x", INT), packed=("all.tgz",)))
        assert alone.frame.rows() == [(x,)]


@pytest.mark.parametrize("mode", ["w:gz", "w"])
def test_unpacked_wins(tmp_path: Path, mode: Literal["w:gz", "w"]) -> None:
    name = "all.tgz" if mode == "w:gz" else "all.tar"
    tar(tmp_path / "s" / name, {"a.csv": "x\n1\n", "b.csv": "x\n2\n"}, mode)
    put(tmp_path, "a.csv", "x\n7\n")
    put(tmp_path, "a.csv.gz", gzip.compress(b"x\n8\n"))
    done = take(tmp_path, table("csv", "{f}.csv", column("f"), column("x", INT), packed=(name,)))
    assert done.frame.rows() == [("a", 7), ("b", 2)]
    done = take(tmp_path, table("csv", "a.csv", column("x", INT), packed=(name,)))
    assert done.files == (tmp_path / "s/a.csv",)


@pytest.mark.parametrize("mode", ["w:gz", "w"])
def test_a_truncated_tar_is_never_shorter(tmp_path: Path, mode: Literal["w:gz", "w"]) -> None:
    """Cut anywhere, at member borders too: always a problem, or nothing lost."""
    path = tmp_path / "s" / ("a.tgz" if mode == "w:gz" else "a.tar")
    tar(path, {f"{n}.csv": f"x\n{CANARY}{n}\n" for n in range(3)}, mode)
    whole = path.read_bytes()
    read = table("csv", "{f}.csv", column("f"), column("x"), packed=(path.name,))
    for size in sorted({*range(1, len(whole), 97), *range(512, len(whole), 512)}):
        path.write_bytes(whole[:size])
        done = take(tmp_path, read)
        assert codes(done) == ["CXR601"] or (not done.problems and done.frame.height == 3)
    path.write_bytes(whole)
    assert take(tmp_path, read).frame.height == 3


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.text("ab/é", min_size=1, max_size=130).filter(lambda name: name == name.strip("/")), unique=True),
    sizes=st.lists(st.sampled_from([0, 1, 512, 70_000]), min_size=1),
    links=st.booleans(),
    format=st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
def test_a_tar_is_listed_as_by_tarfile(
    tmp_path: Path, names: list[str], sizes: list[int], links: bool, format: int
) -> None:
    path = tmp_path / "s" / "a.tar"
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w", format=format) as archive, suppress(ValueError):  # a name too long for USTAR
        for place, name in enumerate(names):
            info = tarfile.TarInfo(name)
            info.size = sizes[place % len(sizes)]
            info.type = tarfile.DIRTYPE if name.endswith("a") and not info.size else tarfile.REGTYPE
            archive.addfile(info, io.BytesIO(bytes(info.size)))
        if links:
            link = tarfile.TarInfo("link")
            link.type, link.linkname = tarfile.SYMTYPE, "elsewhere"
            archive.addfile(link)
    with tarfile.open(path) as archive:
        wanted = [info.name for info in archive if not info.isdir()]
    assert archives.tar_names(path) == wanted


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.text("ab/é", min_size=1, max_size=5), st.binary(max_size=200)), max_size=4),
    st.sampled_from([b"", b"PK in front of it"]),
    st.sampled_from([b"", b"a comment"]),
    st.sampled_from([zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2]),
    st.booleans(),
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_a_zip_holds(
    tmp_path: Path, members: list[tuple[str, bytes]], front: bytes, comment: bytes, method: int, many: bool
) -> None:
    """As `zipfile` says, whether the directory is plain or not; with `many` members numbers of 64 bits end it."""
    path = put(tmp_path, "a.zip", front)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 0 if many else 65535)
        with zipfile.ZipFile(path, "a", method) as archive:
            archive.comment = comment
            for name, data in members:
                archive.writestr(name, data)
    with zipfile.ZipFile(path) as archive:
        wanted = [
            (i.filename, (i.flag_bits, i.compress_type, i.CRC, i.compress_size, i.file_size, i.header_offset))
            for i in archive.infolist()
        ]
    with path.open("rb") as file:
        plain = archives._plain_directory(file)  # pyright: ignore[reportPrivateUsage]
    usual = members and not front and not comment and all(name.isascii() for name, _ in members)
    assert plain == (wanted if usual else plain and wanted)
    listed = archives.zip_members(path)
    assert listed == sorted((one for one in wanted if not one[0].endswith("/")), key=lambda one: one[0])


def test_what_is_odd_about_a_zip_is_for_zipfile_to_judge(tmp_path: Path) -> None:
    path = tmp_path / "s/a.zip"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 0)
        zipped(path, {"one": "1", "two": "2"})
    data = path.read_bytes()

    def plain(data: bytes) -> list[tuple[str, archives.Zipped]] | None:
        return archives._plain_directory(io.BufferedReader(io.BytesIO(data)))  # pyright: ignore

    whole = plain(data)
    assert whole
    assert plain(data.replace(b"two", b"t\0o")) is None
    for end in range(len(data)):
        assert plain(data[:end]) is None
    for at in range(len(data) - 98, len(data)):
        assert plain(data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :]) in (None, whole)


def test_damaged_archives(tmp_path: Path) -> None:
    body = gzip.compress(("x\n" + CANARY * 500).encode(), mtime=0)
    put(tmp_path, "cut.csv.gz", body[:-9])
    put(tmp_path, "crc.csv.gz", body[:-8] + b"\0" * 8)
    put(tmp_path, "text.csv.gz", CANARY)
    put(tmp_path, "cut.csv.zip", b"PK\3\4 cut")
    zipped(tmp_path / "s/many.csv.zip", {"a": "", "b": ""})
    zipped(tmp_path / "s/none.csv.zip", {})
    for name, code in {"crc": "CXR601", "text": "CXR601", "cut": "CXR601", "many": "CXR604", "none": "CXR604"}.items():
        done = take(tmp_path, table("csv", f"{name}.csv", column("x")))
        assert codes(done) == [code], name
        assert done.frame.height == 0


def test_a_zip_with_a_bad_member(tmp_path: Path) -> None:
    path = tmp_path / "s/x.csv.zip"
    zipped(path, {"x.csv": "x\n" + "".join(map(str, range(500)))})
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(bytes(data))
    assert codes(take(tmp_path, table("csv", "x.csv", column("x")))) == ["CXR601"]


def test_a_folder_where_a_file_belongs(tmp_path: Path) -> None:
    (tmp_path / "s/x.csv").mkdir(parents=True)
    assert codes(take(tmp_path, table("csv", "x.csv", column("x")))) == ["CXR602"]
    assert codes(take(tmp_path, table("csv", "{f}.csv", column("f"), column("x")))) == ["CXR602"]
    assert codes(take(tmp_path, table("files", "{f}", column("f"), optional=True))) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_files_that_may_not_be_read(tmp_path: Path) -> None:
    put(tmp_path, "x.csv", "x\n1\n").chmod(0)
    assert codes(take(tmp_path, table("csv", "x.csv", column("x")))) == ["CXR602"]
    (tmp_path / "s").chmod(0)
    assert codes(take(tmp_path, table("csv", "{f}.csv", column("f"), column("x")))) == ["CXR602"]
    (tmp_path / "s").chmod(0o700)


def test_file_names_that_are_no_text(tmp_path: Path) -> None:
    put(tmp_path, "ok.csv", "x\n1\n")
    try:
        (tmp_path / "s" / os.fsdecode(b"\xff.csv")).write_text("x\n1\n")
    except OSError:
        pytest.skip("the file system takes text only")
    assert codes(take(tmp_path, table("csv", "{f}.csv", column("f"), column("x")))) == ["CXR602"]


def test_absent_tables(tmp_path: Path) -> None:
    assert codes(take(tmp_path, table("csv", "x.csv", column("x")))) == ["CXR603"]
    assert codes(take(tmp_path, table("csv", "x.csv", column("x"), optional=True))) == []
    assert codes(take(tmp_path, table("cvs", "x.csv", column("x")))) == ["CXR611"]


# ---------------------------------------------------------------------------------------------------------- csv

FORMATS = {
    "plain": "a,b\n1,x\n2,y\n",
    "crlf": "a,b\r\n1,x\r\n2,y\r\n",
    "bom": "\ufeffa,b\n1,x\n2,y\n",
    "no last newline": "a,b\n1,x\n2,y",
    "crlf, no last newline": "a,b\r\n1,x\r\n2,y",
    "cr at the end": "a,b\r\n1,x\r\n2,y\r",
    "blank lines": "\n\na,b\n\r\n1,x\n\n2,y\n\n",
    "blanks around headers": " a , b \n1,x\n2,y\n",
    "quoted": '"a","b"\n"1","x"\n"2","y"\n',
    "quoted crlf": '"a","b"\r\n"1","x"\r\n"2","y"\r\n',
}


@pytest.mark.parametrize("text", FORMATS.values(), ids=FORMATS)
def test_forms_of_csv(tmp_path: Path, text: str) -> None:
    put(tmp_path, "x.csv", text)
    done = take(tmp_path, table("csv", "x.csv", column("a", INT), column("b"), column("r", INT, own("row"))))
    assert done.frame.rows() == [(1, "x", 0), (2, "y", 1)]
    assert not done.problems


FIELD = st.text(st.sampled_from(list('ab ,;"\n\r\té\u2028')), max_size=6)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(FIELD, FIELD, FIELD), max_size=6),
    end=st.sampled_from(["\n", "\r\n"]),
    separator=st.sampled_from([",", "\t", ";"]),
)
def test_what_pythons_csv_writes_reads_back(
    tmp_path: Path, rows: list[tuple[str, str, str]], end: str, separator: str
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end, delimiter=separator, quoting=csv.QUOTE_ALL)
    writer.writerows([("a", "b", "c"), *rows])
    put(tmp_path, "x.csv", text.getvalue())
    columns = [column(name, nullable(TEXT)) for name in "abc"]
    done = take(tmp_path, table("csv", "x.csv", *columns, separator=separator))
    assert done.frame.rows() == [tuple(map(empty_is_null, row)) for row in rows]
    assert codes(done) == ([] if rows else ["CXR607"])


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from(list('ab,"\n\r ')), max_size=40) | st.binary(max_size=60))
def test_any_bytes_give_a_table_or_problems(tmp_path: Path, data: str | bytes) -> None:
    """What is taken without an error is what Python's own reader reads, strictly."""
    path = put(tmp_path, "x.csv", data)
    done = take(
        tmp_path, table("csv", "x.csv", column("x", nullable(TEXT), 0), column("n", INT, own("row")), header=False)
    )
    if not done.problems and b"\0" not in path.read_bytes():
        text = path.read_bytes().decode().removeprefix("\ufeff")
        if "\r" not in text.replace("\r\n", ""):  # Python ends lines there, too
            expected = [row[0] for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
            assert done.frame["x"].to_list() == list(map(empty_is_null, expected))


def test_quoted_newlines_do_not_shift_line_numbers(tmp_path: Path) -> None:
    put(tmp_path, "x.csv", 'a,b\n1,"x\ny\r\nz"\n\nbad,w\n3,v\nworse,u\n')
    done = take(tmp_path, table("csv", "x.csv", column("a", INT), column("b")))
    assert done.frame["b"].to_list() == ["x\ny\r\nz", "w", "v", "u"]
    assert (codes(done), lines(done)) == (["CXR701"], [6])
    assert done.problems[0].message.startswith("2 cells of `a`")


STRUCTURE = {
    "short line": (f"a,b\n1,x\n{CANARY}\n2,y\n3\n", "CXR704", 3),
    "long line": (f"a,b\n1,x\n2,y,{CANARY}\n", "CXR704", 3),
    "unclosed quote": (f'a,b\n1,x\n2,"{CANARY}\n3,z\n', "CXR705", 3),
    "quote in a field": (f'a,b\n1,x\n2,{CANARY} 5"\n3,5" {CANARY}\n', "CXR705", 3),
    "text behind a quote": (f'a,b\n1,"x"{CANARY}\n', "CXR705", 2),
    "not utf-8": (b"a,b\n1,x\n2,\xe9" + CANARY.encode() + b"\n", "CXR605", 3),
    "empty": ("", "CXR606", None),
    "only blank lines": ("\n\r\n\n", "CXR606", None),
    "only a byte order mark": (b"\xef\xbb\xbf", "CXR606", None),
    "header twice": ("a,b,a\n1,x,2\n", "CXR612", None),
    "bad cell": (f"a,b\n1,x\n{CANARY},y\n", "CXR701", 3),
    "empty cell": ("a,b\n1,x\n,y\n", "CXR702", 3),
}


@pytest.mark.parametrize(("text", "code", "line"), STRUCTURE.values(), ids=STRUCTURE)
def test_broken_csv(tmp_path: Path, text: str | bytes, code: str, line: int | None) -> None:
    put(tmp_path, "x.csv", text)
    done = take(tmp_path, table("csv", "x.csv", column("a", INT), column("b")))
    assert (codes(done), lines(done)) == ([code], [line])
    assert done.problems[0].severity == "error"


def test_a_header_without_rows_is_a_warning(tmp_path: Path) -> None:
    put(tmp_path, "x.csv", "a,b\n")
    done = take(tmp_path, table("csv", "x.csv", column("a", INT), column("b"), key=("a",)))
    assert [(p.code, p.severity) for p in done.problems] == [("CXR607", "warning")]


def test_a_missing_column_names_near_headers_only(tmp_path: Path) -> None:
    put(tmp_path, "x.csv", f"study_id,Veiw,{CANARY}\n1,PA,x\n")
    done = take(tmp_path, table("csv", "x.csv", column("view", TEXT, "view"), column("n", INT, "study_id")))
    assert codes(done) == ["CXR610"]
    assert any("`Veiw`" in line for line in done.problems[0].help)
    assert done.frame.rows() == [(None, 1)]
    headless = take(tmp_path, table("csv", "x.csv", column("n", INT, 7), header=False))
    assert codes(headless) == ["CXR610"]


def test_first_present_and_optional_columns(tmp_path: Path) -> None:
    put(tmp_path, "1.csv", "rad_ID,x\nR1,1\n")
    put(tmp_path, "2.csv", "x\n2\n")
    reader = column("reader", nullable(TEXT), "rad_id", "rad_ID", optional=True)
    done = take(tmp_path, table("csv", "*.csv", reader, column("x", INT)))
    assert done.frame.rows() == [("R1", 1), (None, 2)]
    assert not done.problems


def test_separators_quotes_and_encodings(tmp_path: Path) -> None:
    put(tmp_path, "x.txt", 'p1 "a.png positive\np2 b".png negative\n')
    read = table("csv", "x.txt", column("f", TEXT, 1), column("c", TEXT, 2), header=False, separator=" ", quote="none")
    assert take(tmp_path, read).frame.rows() == [('"a.png', "positive"), ('b".png', "negative")]
    put(tmp_path, "l.csv", "a\né\n".encode("latin-1"))
    assert take(tmp_path, table("csv", "l.csv", column("a"), encoding="latin-1")).frame.rows() == [("é",)]
    assert codes(take(tmp_path, table("csv", "l.csv", column("a"), encoding="nonsense"))) == ["CXR605"]


def test_columns_of_an_empty_header_are_ignored(tmp_path: Path) -> None:
    put(tmp_path, "x.csv", "a,,\n1,,\n")
    assert take(tmp_path, table("csv", "x.csv", column("a", INT))).frame.rows() == [(1,)]


def test_keys(tmp_path: Path) -> None:
    put(tmp_path, "x.csv", f"a,b\n1,x\n1,{CANARY}\n2,x\n1,{CANARY}\n,x\n,x\n")
    done = take(tmp_path, table("csv", "x.csv", column("a", nullable(INT)), column("b"), key=("a", "b")))
    assert list(zip(codes(done), lines(done), strict=True)) == [("CXR707", 6), ("CXR706", 5)]
    done = take(tmp_path, table("csv", "x.csv", column("a", nullable(INT)), column("b"), key=("b",)))
    assert [p.message.split(" ")[0] for p in done.problems] == ["4"]


def test_only_wanted_columns_are_checked_and_the_key_is(tmp_path: Path) -> None:
    put(tmp_path, "x.csv", "a,b,c\n1,x,1\n1,y,2\n")
    read = table("csv", "x.csv", column("a", INT), column("b", INT), column("c", INT), key=("a",))
    done = read_table(read, ["c"], Roots(tmp_path, {}))
    assert done.frame.columns == ["c"]
    assert codes(done) == ["CXR706"]


def test_constants_and_values(tmp_path: Path) -> None:
    put(tmp_path, "x.csv", f"a\nx\n{CANARY}\n")
    constant = RawColumn("c", SPLIT, (), constant="test")
    done = take(tmp_path, table("csv", "x.csv", column("a", TEXT, values=(("x", "y"),)), constant))
    assert done.frame.rows() == [("y", "test"), (None, "test")]
    assert (codes(done), lines(done)) == (["CXR703"], [3])


def test_the_same_problem_in_many_files_is_one(tmp_path: Path) -> None:
    for n in range(5):
        put(tmp_path, f"{n}.csv", f"a\n1\n{CANARY}\n")
    done = take(tmp_path, table("csv", "*.csv", column("a", INT)))
    assert codes(done) == ["CXR701"]
    assert done.problems[0].message.startswith("5 cells")
    assert any("5 files" in line for line in done.problems[0].help)
    assert codes(take(tmp_path, table("csv", "*.csv", column("b", INT)))) == ["CXR610"]


def test_no_wanted_column_of_the_format(tmp_path: Path) -> None:
    put(tmp_path, "x.csv", "a\n1\n2\n")
    assert take(tmp_path, table("csv", "x.csv", column("r", INT, own("row")))).frame.rows() == [(0,), (1,)]


# --------------------------------------------------------------------------------------------------------- json

SQUAD: dict[str, object] = {
    "data": [
        {"paragraphs": [{"context": "c0", "qas": [{"q": "a", "answers": [{"text": "t"}]}, {"q": "b", "answers": []}]}]},
        {
            "paragraphs": [
                {"context": "c1", "qas": []},
                {"context": "c2", "qas": [{"q": "c", "answers": [{"text": "u"}]}]},
            ]
        },
    ]
}


def test_nested_rows(tmp_path: Path) -> None:
    put(tmp_path, "x.json", "\ufeff" + json.dumps(SQUAD))
    read = table(
        "json",
        "x.json",
        column("document", INT, own("position", 2)),
        column("paragraph", INT, own("position", 1)),
        column("place", INT, own("position")),
        column("context", TEXT, "../context"),
        column("q"),
        column("answer", nullable(TEXT), "answers[0]/text"),
        rows="data[*]/paragraphs[*]/qas[*]",
        key=("document", "paragraph", "place"),
    )
    done = take(tmp_path, read)
    assert done.frame.rows() == [(0, 0, 0, "c0", "a", "t"), (0, 0, 1, "c0", "b", None), (1, 1, 0, "c2", "c", "u")]
    assert not done.problems


def test_members_keys_and_parts(tmp_path: Path) -> None:
    entities = {"1": {"tokens": "heart", "label": "A"}, "2": {"tokens": "big", "label": "O"}}
    put(tmp_path, "x.json", json.dumps({"r2": {"entities": entities}, "r1": {"labeler_1": {"entities": {}}}}))
    words = ListOf(RecordOf((("type", TEXT), ("text", TEXT))))
    each = (
        Part("text", Place("name", "tokens")),
        Part("type", Place("name", "label"), (("A", "Anatomy"), ("O", "Obs"))),
    )
    listed = column("e", words, "entities/*", "labeler_1/entities/*", each=each)
    done = take(tmp_path, table("json", "x.json", column("report", TEXT, own("key")), listed, rows="*"))
    found = [{"type": "Anatomy", "text": "heart"}, {"type": "Obs", "text": "big"}]
    assert done.frame.rows() == [("r2", found), ("r1", [])]


def test_positional_lists(tmp_path: Path) -> None:
    history = RecordOf((("question", TEXT), ("answers", ListOf(TEXT))))
    each = (Part("question", Place("name", "[0]")), Part("answers", Place("name", "[1]")))
    put(tmp_path, "train/7.json", json.dumps([["q", ["a", "b"], [["p", ["yes"]]], {"options": ["yes", "no"]}]]))
    read = table(
        "json",
        "{part}/{n}.json",
        column("n", INT),
        column("q", TEXT, "[0]"),
        column("a", ListOf(TEXT), "[1]"),
        column("h", ListOf(history), "[2]", each=each),
        column("o", ListOf(TEXT), "[3]/options"),
        rows="[*]",
    )
    done = take(tmp_path, read)
    assert done.frame.rows() == [(7, "q", ["a", "b"], [{"question": "p", "answers": ["yes"]}], ["yes", "no"])]


def test_values_of_members_and_whole_documents(tmp_path: Path) -> None:
    put(tmp_path, "x.json", json.dumps({"1": ["a"], "2": []}))
    pairs = table("json", "x.json", column("n", INT, own("key")), column("v", ListOf(TEXT), own("value")), rows="*")
    assert take(tmp_path, pairs).frame.rows() == [(1, ["a"]), (2, [])]
    put(tmp_path, "y.json", json.dumps({"a": {"b": [{"c": 1}, {"c": None}, {}]}}))
    whole = table("json", "y.json", column("c", ListOf(nullable(INT)), "a/b[*]/c"), column("f", INT, "a/b[*]/c"))
    assert take(tmp_path, whole).frame.rows() == [([1, None, None], 1)]


BROKEN_JSON = {
    "broken": ('[\n{"a": "' + CANARY + '",}]', "CXR608", 2),
    "json lines": ('{"a": 1}\n{"a": "' + CANARY + '"}\n', "CXR608", 2),
    "the same key twice": ('[{"a": 1, "a": "' + CANARY + '"}]', "CXR608", None),
    "half a character": (json.dumps([{"a": CANARY + "\ud800"}]), "CXR608", None),
    "nested deeply": ("[" * 100_000, "CXR608", None),
    "a very long number": ("[" + "1" * 5000 + "]", "CXR608", None),
    "a mapping for a list": (json.dumps({CANARY: 1}), "CXR609", None),
    "a text": (json.dumps(CANARY), "CXR609", None),
    "null rows": ("[null]", "CXR609", None),
    "no rows": ("[]", "CXR607", None),
    "empty": ("", "CXR606", None),
    "not utf-8": (b'["\xff' + CANARY.encode() + b'"]', "CXR605", 1),
    "misspelt": (json.dumps([{CANARY: 1}, {CANARY: 2}]), "CXR610", None),
    "a list for a text": (json.dumps([{"a": [CANARY]}]), "CXR701", None),
    "rows of texts": (json.dumps([CANARY]), "CXR701", None),
}


@pytest.mark.parametrize(("text", "code", "line"), BROKEN_JSON.values(), ids=BROKEN_JSON)
def test_broken_json(tmp_path: Path, text: str | bytes, code: str, line: int | None) -> None:
    put(tmp_path, "x.json", text)
    done = take(tmp_path, table("json", "x.json", column("a", nullable(INT)), rows="[*]"))
    assert (codes(done), lines(done)) == ([code], [line])


def test_a_long_document_is_read_in_stretches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxrspec.runtime.json_text._AT_ONCE", 2)
    here, nth = column("here", INT, own("position")), column("n", INT, own("value"))
    put(tmp_path, "x.json", " [ 0, 1 ,2,\n3, 4 ]\n")
    assert take(tmp_path, table("json", "x.json", here, nth, rows="[*]")).frame.rows() == [(n, n) for n in range(5)]
    named = {letter: [n, n + 10] for n, letter in enumerate("abcde")}
    put(tmp_path, "y.json", json.dumps(named))
    read = table(
        "json", "y.json", column("key", TEXT, own("key")), column("of", INT, own("position", 1)), nth, rows="*[*]"
    )
    rows = [(key, of, n) for of, (key, ns) in enumerate(named.items()) for n in ns]
    assert take(tmp_path, read).frame.rows() == rows
    up = table("json", "y.json", nth, column("first", INT, "../a[0]"), rows="*[*]")
    assert take(tmp_path, up).frame.rows() == [(n, 0) for _, _, n in rows]


@pytest.mark.parametrize(
    "text",
    [
        "[0, 1, 2, 3 4]",
        "[0, 1, 2, 3,]",
        "[0, 1, 2, 3",
        "[0, 1, 2, 3] 4",
        '[0, 1, 2, {"a": 1, "a": 2}]',
        '[0, 1, 2, "\\uD800"]',
        '{"a": 0, "b": 1, "c": 2, "a": 3}',
        '{"a": 0, "b": 1, "c": 2, 3: 3}',
        '{"a": 0, "b": 1, "c": 2, "d" 3}',
    ],
)
def test_a_mistake_in_a_later_stretch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("cxrspec.runtime.json_text._AT_ONCE", 2)
    put(tmp_path, "x.json", text)
    rows = "[*]" if text.startswith("[") else "*"
    done = take(tmp_path, table("json", "x.json", column("n", INT, own("value")), rows=rows))
    assert (codes(done), done.frame.height) == (["CXR608"], 0)


def test_json_says_which_row(tmp_path: Path) -> None:
    put(tmp_path, "x.json", json.dumps([{"a": 1}, {"a": CANARY}, {"a": None}]))
    done = take(tmp_path, table("json", "x.json", column("a", INT), rows="[*]"))
    assert codes(done) == ["CXR701", "CXR702"]
    assert "first in row 2" in done.problems[0].message


def test_places_that_do_not_parse(tmp_path: Path) -> None:
    put(tmp_path, "x.json", '[{"b": 1}, {"b": 2}]')
    done = take(tmp_path, table("json", "x.json", column("a", TEXT, "a[b]"), column("b", INT), rows="[*]"))
    assert (codes(done), done.frame.rows()) == (["CXR613"], [(None, 1), (None, 2)])
    done = take(tmp_path, table("json", "x.json", column("a"), column("b", INT), rows="[*]"))
    assert (codes(done), done.frame.rows()) == (["CXR610"], [(None, 1), (None, 2)])
    deep = take(tmp_path, table("json", "x.json", column("a", nullable(TEXT), "c/a"), rows="[*]"))
    assert [p.severity for p in deep.problems] == ["warning"]
    assert codes(take(tmp_path, table("json", "x.json", column("a"), rows="a[*"))) == ["CXR613"]
    put(tmp_path, "x.xml", "<a b='1'/>")
    done = take(tmp_path, table("xml", "x.xml", column("a", TEXT, "a["), column("b", INT, "@b")))
    assert (codes(done), done.frame.rows()) == (["CXR613"], [(None, 1)])
    assert codes(take(tmp_path, table("xml", "x.xml", column("a", TEXT, "no-such-function()")))) == ["CXR613"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3),
)
PATHS = st.sampled_from(["", "a", "*", "[*]", "a/b", "a[*]", "[0]", "[*]/a", "*/b", "..", "../a", "a/*/b"])
TYPES = st.sampled_from([TEXT, nullable(INT), BOOL, FLOAT, ListOf(TEXT), nullable(ListOf(RecordOf((("a", INT),))))])


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON, rows=PATHS, path=PATHS, type=TYPES)
def test_any_json_gives_a_table_or_problems(tmp_path: Path, value: object, rows: str, path: str, type: Type) -> None:
    put(tmp_path, "x.json", json.dumps(value))
    take(tmp_path, table("json", "x.json", column("x", type, path), column("k", nullable(TEXT), own("key")), rows=rows))


# ---------------------------------------------------------------------------------------------------------- xml

REPORT = """<?xml version="1.0" encoding="utf-8"?>
<cite>
  <Text Label="FINDINGS">The <b>heart</b><!-- {canary} --> is big.</Text>
  <Text Label="IMPRESSION"/>
  <image id="i1"><box x="1"/></image>
  <image id="i2"><box x="{x}"/></image>
</cite>
""".replace("{canary}", CANARY)

CITE = (
    column("n", INT),
    column("findings", nullable(TEXT), "Text[@Label='FINDINGS']"),
    column("impression", nullable(TEXT), "Text[@Label='IMPRESSION']"),
    column("ids", ListOf(TEXT), "image/@id"),
    column("xs", ListOf(RecordOf((("x", INT),))), "image", each=(Part("x", Place("name", "box/@x")),)),
)


def test_xml(tmp_path: Path) -> None:
    put(tmp_path, "1.xml", REPORT.replace("{x}", "2"))
    put(tmp_path, "2.xml", "<cite xmlns='http://example.org/x'><Text Label='IMPRESSION'>Normal.</Text></cite>")
    done = take(tmp_path, table("xml", "{n}.xml", *CITE, rows="/cite", key=("n",)))
    assert done.frame.rows() == [
        (1, "The heart is big.", None, ["i1", "i2"], [{"x": 1}, {"x": 2}]),
        (2, None, "Normal.", [], []),
    ]
    assert not done.problems


def test_rows_inside_of_xml(tmp_path: Path) -> None:
    put(tmp_path, "1.xml", REPORT.replace("{x}", CANARY))
    columns = (column("id", TEXT, "@id"), column("place", INT, own("position")), column("x", INT, "box/@x"))
    done = take(tmp_path, table("xml", "1.xml", *columns, rows="//image"))
    assert done.frame.rows() == [("i1", 0, 1), ("i2", 1, None)]
    assert (codes(done), lines(done)) == (["CXR701"], [6])


BOMB = f'<!DOCTYPE a [<!ENTITY x "{CANARY}"><!ENTITY f SYSTEM "file:///etc/passwd">]><cite>&x;&f;</cite>'
BROKEN_XML = {
    "broken": (f"<cite>\n<a>{CANARY}</b></cite>", "CXR608", 2),
    "cut": (f"<cite>\n{CANARY}", "CXR608", 2),
    "not utf-8": (b"<cite>\n\xff" + CANARY.encode() + b"</cite>", "CXR608", 2),
    "entities": (BOMB, "CXR609", None),
    "no rows": (f"<other>{CANARY}</other>", "CXR609", None),
    "empty": (" \n", "CXR606", None),
    "never there": (f"<cite><b>{CANARY}</b></cite>", "CXR610", None),
}


@pytest.mark.parametrize(("text", "code", "line"), BROKEN_XML.values(), ids=BROKEN_XML)
def test_broken_xml(tmp_path: Path, text: str | bytes, code: str, line: int | None) -> None:
    put(tmp_path, "x.xml", text)
    done = take(tmp_path, table("xml", "x.xml", column("a", nullable(TEXT)), rows="/cite"))
    assert (codes(done), lines(done)) == ([code], [line])


# -------------------------------------------------------------------------------------------------- the real files

REAL = os.environ.get("CXRSPEC_REAL_DATA")
real = pytest.mark.skipif(not REAL, reason="CXRSPEC_REAL_DATA names no folder")


def texts(names: Iterable[str]) -> list[RawColumn]:
    place = "MedlineCitation/Article/Abstract/AbstractText[@Label='{}']"
    return [column(name.lower(), nullable(TEXT), place.format(name)) for name in names]


@real
def test_openi() -> None:
    """The counts of the catalogue of sources, section 17."""
    read = Read(
        "openi.reports",
        "xml",
        ("ecgen-radiology/{n}.xml",),
        (column("n", INT), *texts(["FINDINGS", "IMPRESSION"]), column("ids", ListOf(TEXT), "parentImage/@id")),
        packed=("NLMCXR_reports.tgz",),
        rows="/eCitation",
        key=("n",),
    )
    done = read_table(read, ["findings", "impression", "ids"], Roots(Path(REAL or ""), {}))
    frame = done.frame
    assert not done.problems
    assert (frame.height, frame["findings"].null_count(), frame["impression"].null_count()) == (3955, 530, 34)
    assert frame.filter(pl.col("findings").is_null() & pl.col("impression").is_null()).height == 28
    assert Counter(map(len, frame["ids"].to_list())) == {0: 104, 1: 446, 2: 3208, 3: 181, 4: 15, 5: 1}


@real
def test_rsna() -> None:
    """The counts of the catalogue of sources, section 7."""
    files = ("stage_2_train_labels.csv", "kaggle_stage_2_train_labels.csv")
    read = Read("rsna.boxes", "csv", files, (column("id", TEXT, "patientId"), column("target", INT, "Target")))
    done = read_table(read, ["id", "target"], Roots(Path(REAL or ""), {}))
    assert not done.problems
    assert (done.frame.height, done.frame["id"].n_unique()) == (30227, 26684)
    assert sorted(done.frame.group_by("id").agg(pl.col("target").max())["target"].value_counts().rows()) == [
        (0, 20672),
        (1, 6012),
    ]
