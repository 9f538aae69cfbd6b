"""Lines of JSON, plain text and the sizes of pictures, against files that others wrote or that are made by hand."""

from __future__ import annotations

import io
import json
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    generate_uid,
)

from cxrspec.compiler.types import INT, TEXT, ListOf, nullable
from cxrspec.runtime.json_paths import Items, Members
from cxrspec.runtime.json_text import BrokenJsonError, parse
from cxrspec.runtime.readers import jsonl
from cxrspec.runtime.readers.image_size import size_of
from cxrspec.runtime.readers.json import stretches

from .test_reading import CANARY, codes, column, lines, own, put, table, take, tar, zipped

# ---------------------------------------------------------------------------------------------------- lines of JSON

ENTRIES = table(
    "jsonl",
    "{part}.jsonl",
    column("part"),
    column("id", INT, "sentence_ID"),
    column("text", nullable(TEXT), "nle"),
    column("numbers", ListOf(INT), "scores/all"),
    column("row", INT, own("row")),
)


def test_a_line_is_a_document(tmp_path: Path) -> None:
    entry = {"sentence_ID": 1, "nle": "two\nlines and \u2028 one separator", "scores": {"all": [0, 1]}}
    other: dict[str, object] = {"sentence_ID": 2, "scores": {"all": []}}
    put(tmp_path, "dev.jsonl", json.dumps(entry, ensure_ascii=False) + "\r\n\n  \n" + json.dumps(other))
    done = take(tmp_path, ENTRIES)
    assert done.frame.rows() == [("dev", 1, entry["nle"], [0, 1], 0), ("dev", 2, None, [], 1)]
    assert not done.problems


def test_a_line_may_hold_several_rows_or_none(tmp_path: Path) -> None:
    read = table("jsonl", "x.jsonl", column("n", INT), column("of", INT, "../id"), rows="items[*]")
    put(tmp_path, "x.jsonl", '{"id": 7, "items": []}\n{"id": 8, "items": [{"n": 1}, {"n": 2}]}\n')
    done = take(tmp_path, read)
    assert done.frame.rows() == [(1, 8), (2, 8)]
    assert not done.problems


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (f'{{"n": 1}}\n\n{{"n": 2, "{CANARY}\n{{"n": }}\n', "CXR608", 3),
        (f'{{"n": 1}}\n{{"n": 2}} {{"{CANARY}": 3}}\n', "CXR608", 2),
        (f'{{\n  "n": "{CANARY}"\n}}\n', "CXR608", 1),
        ('{"n": 1}\n{"n": 2, "n": 3}\n', "CXR608", 2),
        (f'{{"n": 1}}\n\n{{"n": "{CANARY}"}}\n', "CXR701", 3),
        ('{"n": 1}\n{"n": 1}\n\n{"n": null}\n', "CXR702", 4),
        ("\n \n", "CXR606", None),
        ("", "CXR606", None),
        (b'{"n": 1}\n{"n": "\xff"}', "CXR605", 2),
    ],
)
def test_broken_lines(tmp_path: Path, text: str | bytes, code: str, line: int | None) -> None:
    put(tmp_path, "x.jsonl", text)
    done = take(tmp_path, table("jsonl", "x.jsonl", column("n", INT)))
    assert (codes(done), lines(done)) == ([code], [line])


def test_what_is_not_along_rows_has_its_line(tmp_path: Path) -> None:
    put(tmp_path, "x.jsonl", f'{{"a": [1]}}\n{{"a": "{CANARY}"}}\n{{"b": 1}}\n')
    done = take(tmp_path, table("jsonl", "x.jsonl", column("n", INT, own("value")), rows="a[*]"))
    assert (codes(done), lines(done)) == (["CXR609"], [2])


NUMBERS = st.integers(-(2**63), 2**63 - 1)


@given(documents=st.lists(st.fixed_dictionaries({"t": st.text(), "n": NUMBERS})), blank=st.sampled_from(["", "\n"]))
def test_the_documents_are_those_that_were_written(documents: list[dict[str, object]], blank: str) -> None:
    written = (blank + "\n").join(json.dumps(each, ensure_ascii=False) for each in documents)
    assert [parse(text) for _, text in jsonl.documents(written)] == documents


# ------------------------------------------------------------------------------------------------- the quick decoder

NUMERALS = "0 -0 -0.0 1e400 -1E400 5e-324 0.1 1E5 9007199254740993.0 18446744073709551616 -9223372036854775809 01 1. .5"
WORDS = "true null nul NaN -Infinity"
STRINGS = [
    r'"\u003a"',
    r'"\\u003a"',
    r'"\u005cu003a"',
    r'"\u003A:"',
    r'"\ud83d"',
    r'"\ud83d\ude00"',
    r'"\/"',
    r'"\x"',
    '"a\tb"',
    '"\x7f\u2028"',
    '\ufeff""',
]
ODD = [*f"{NUMERALS} {WORDS}".split(), *STRINGS, "9" * 4300, "9" * 4301]
texts = st.builds(json.dumps, st.text(max_size=5), ensure_ascii=st.booleans())
leaves = texts | st.sampled_from(ODD) | st.integers().map(str) | st.floats().map(json.dumps)
names = st.sampled_from(['"a"', '"\\u0061"', '"b"', '":"', '"\\u003a"', r'"\u005cu003a"', "a"])
spaces = st.sampled_from(["", " ", "\n\t\r", "\x0c"])


def between(brackets: str, inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    parts = st.lists(st.builds("{}{}{}".format, spaces, inner, spaces), max_size=4).map(",".join)
    return parts.map(lambda text: brackets[0] + text + brackets[1])


written = st.recursive(
    leaves,
    lambda inner: between("[]", inner) | between("{}", st.builds("{}:{}{}".format, names, spaces, inner)),
    max_leaves=8,
)


def by_python(text: str) -> str | None:
    """The value as Python's decoder gives it, as a text that tells 1 from 1.0 and 0.0 from -0.0; None: a mistake."""

    def mapping(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError
        return dict(pairs)

    try:
        value = json.loads(text, object_pairs_hook=mapping)
        json.dumps(value, ensure_ascii=False).encode()
    except ValueError:
        return None
    return repr(value)


def by_us(text: str, decode: Callable[[str], object]) -> str | None:
    try:
        return repr(decode(text))
    except BrokenJsonError:
        return None


def in_stretches(text: str) -> object:
    """The document, put together from its items or members, two at a time."""
    step = Items() if text.lstrip().startswith("[") else Members()
    found = list(stretches(text, [step], False))
    if not all(each.below for each in found):
        return found[0].nodes.values[0]
    values = [value for each in found for value in each.nodes.values]
    keys = [key for each in found for key in each.nodes.keys or ()]
    return values if isinstance(step, Items) else dict(zip(keys, values, strict=True))


@given(text=written)
def test_both_decoders_give_the_same(text: str) -> None:
    expected = by_python(text)
    assert by_us(text, parse) == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cxrspec.runtime.json_text._AT_ONCE", 2)
        assert by_us(text, in_stretches) == expected


def test_both_decoders_give_the_same_of_what_is_odd() -> None:
    for odd, within in product(ODD, ["{}", "[1, {}]", '{{"a": {}}}', '{{"a": [0, {{":": {}}}]}}']):
        text = within.format(odd)
        assert by_us(text, parse) == by_us(text, in_stretches) == by_python(text)


@pytest.mark.parametrize("depth", range(4))
@pytest.mark.parametrize(
    "pairs",
    [
        '"a": 1, "a": 2',
        r'"\u005cu003a": "\u005cu003a", "a": 1, "a": 2',
        '"a": 1, "\\u0061": 1',
        '":": 1, "\\u003A": 1',
        '"a": ":", "a": {}',
    ],
)
def test_a_doubled_key_at_any_depth(pairs: str, depth: int) -> None:
    text = f"{{{pairs}}}"
    for level in range(depth):
        text = f"[0, {text}, 1]" if level % 2 else f'{{"x": 0, "y": {text}}}'
    for decode in (parse, in_stretches):
        with pytest.raises(BrokenJsonError, match="the same key twice"):
            decode(text)


def test_what_is_sound_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The laws above would hold without a quick decoder."""
    monkeypatch.setattr("cxrspec.runtime.json_text._told", None)
    text = '{"a": [1, -0.0, 1e400, 36893488147419103232, ":\\u003a\\u003A"], "b": {"a:\\n": {"a": "\\ud83d\\ude00"}}}'
    assert by_us(text, parse) == by_us(text, in_stretches) == by_python(text)


# -------------------------------------------------------------------------------------------------------- plain text

REPORTS = table(
    "text",
    "files/p*/p{subject}/s{study}.txt",
    column("study", INT),
    column("subject", TEXT),
    column("report", nullable(TEXT), own("text")),
    packed=("reports.zip",),
    key=("study",),
)


def test_a_file_of_text_is_a_row(tmp_path: Path) -> None:
    put(tmp_path, "files/p10/p10000032/s1.txt", "  FINDINGS:\r\n\tclear \n")
    put(tmp_path, "files/p10/p10000032/s2.txt", "\ufeffmarked")
    put(tmp_path, "files/p11/p11000001/s3.txt", " \n")
    put(tmp_path, "files/p11/p11000001/s4.txt", "")
    done = take(tmp_path, REPORTS)
    assert done.frame.rows() == [
        (1, "10000032", "  FINDINGS:\r\n\tclear \n"),
        (2, "10000032", "marked"),
        (3, "11000001", None),
        (4, "11000001", None),
    ]
    assert not done.problems


def test_an_empty_text_is_an_empty_cell(tmp_path: Path) -> None:
    put(tmp_path, "a.txt", "words")
    put(tmp_path, "b.txt", "")
    done = take(tmp_path, table("text", "{n}.txt", column("t", TEXT, own("text"))))
    assert codes(done) == ["CXR702"]
    assert done.problems[0].label.file == "s/b.txt"  # type: ignore[union-attr]


def test_encodings_of_text(tmp_path: Path) -> None:
    put(tmp_path, "a.txt", f"caf\u00e9 {CANARY}".encode("latin-1"))
    latin = take(tmp_path, table("text", "a.txt", column("t", TEXT, own("text")), encoding="latin-1"))
    assert latin.frame.rows() == [(f"caf\u00e9 {CANARY}",)]
    assert codes(take(tmp_path, table("text", "a.txt", column("t", TEXT, own("text"))))) == ["CXR605"]
    assert codes(take(tmp_path, table("text", "a.txt", column("t", TEXT, own("text")), encoding="no"))) == ["CXR605"]


def test_text_has_no_other_columns(tmp_path: Path) -> None:
    put(tmp_path, "a.txt", CANARY)
    done = take(tmp_path, table("text", "a.txt", column("t", TEXT, own("text")), column("x"), column("y", INT, 0)))
    assert codes(done) == ["CXR610", "CXR610"]


# ------------------------------------------------------------------------------------------------ members of archives

KINDS = [("deflated", zipfile.ZIP_DEFLATED), ("stored", zipfile.ZIP_STORED), ("bzip2", zipfile.ZIP_BZIP2)]


@pytest.mark.parametrize("method", [kind for _, kind in KINDS], ids=[name for name, _ in KINDS])
@pytest.mark.parametrize("size", [0, 1, 5_000, 70_000, 200_000])
def test_members_of_every_size_and_method(tmp_path: Path, method: int, size: int) -> None:
    """Small members and large ones are read in two ways."""
    text = "".join(chr(97 + i * i % 26) for i in range(size))
    path = put(tmp_path, "reports.zip", b"something in front of the archive")
    with zipfile.ZipFile(path, "a", method) as archive:
        for study in (3, 1, 2):
            archive.writestr(f"files/p10/p7/s{study}.txt", text + str(study))
    done = take(tmp_path, REPORTS)
    assert done.frame["report"].to_list() == [text + str(study) for study in (1, 2, 3)]
    assert not done.problems


def damaged(data: bytes, member: bytes, what: str) -> bytes:
    """A zip whose member is not what the directory at its end says."""
    start = data.index(member) - 30
    content = data.index(member) + len(member)
    at = {"magic": start, "content": content + 4, "lengths": start + 26}[what]
    return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]


@pytest.mark.parametrize("what", ["magic", "content", "lengths"])
def test_a_damaged_small_member_is_named(tmp_path: Path, what: str) -> None:
    members = {f"files/p10/p7/s{study}.txt": f"{CANARY} " * 9 + str(study) for study in (1, 2, 3)}
    zipped(tmp_path / "s/reports.zip", members)
    put(tmp_path, "reports.zip", damaged((tmp_path / "s/reports.zip").read_bytes(), b"files/p10/p7/s2.txt", what))
    done = take(tmp_path, REPORTS)
    assert codes(done) == ["CXR601"]
    assert done.problems[0].label.file == "s/reports.zip/files/p10/p7/s2.txt"  # type: ignore[union-attr]


def test_an_encrypted_small_member(tmp_path: Path) -> None:
    zipped(tmp_path / "s/reports.zip", {"files/p10/p7/s1.txt": CANARY})
    data = bytearray((tmp_path / "s/reports.zip").read_bytes())
    for magic, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(magic) + at] |= 1
    put(tmp_path, "reports.zip", bytes(data))
    assert codes(take(tmp_path, REPORTS)) == ["CXR602"]


LISTING = table(
    "files",
    ("images_*/images/{name}", "images/{name}"),
    column("name"),
    column("path", TEXT, own("file")),
    packed=("images_*.tar.gz",),
    key=("name",),
)


def test_several_archives_of_one_pattern(tmp_path: Path) -> None:
    tar(tmp_path / "s/images_001.tar.gz", {"images/1.png": "", "images/2.png": ""})
    tar(tmp_path / "s/images_002.tar.gz", {"images/3.png": "", "README": ""})
    tar(tmp_path / "s/other_003.tar.gz", {"images/4.png": ""})
    tar(tmp_path / "s/.images_004.tar.gz", {"images/5.png": ""})
    put(tmp_path, "images_003/images/6.png", "")
    done = take(tmp_path, LISTING)
    assert sorted(done.frame.rows()) == [
        ("1.png", "images/1.png"),
        ("2.png", "images/2.png"),
        ("3.png", "images/3.png"),
        ("6.png", "images_003/images/6.png"),
    ]
    assert not done.problems


def test_no_archive_of_a_pattern_is_an_absent_table(tmp_path: Path) -> None:
    assert codes(take(tmp_path, LISTING)) == ["CXR603"]


def test_one_damaged_archive_of_several(tmp_path: Path) -> None:
    tar(tmp_path / "s/images_001.tar.gz", {"images/1.png": ""})
    put(tmp_path, "images_002.tar.gz", (tmp_path / "s/images_001.tar.gz").read_bytes()[:-30])
    done = take(tmp_path, LISTING)
    assert codes(done) == ["CXR601"]
    assert done.problems[0].label.file == "s/images_002.tar.gz"  # type: ignore[union-attr]


# ------------------------------------------------------------------------------------------------- sizes of pictures

SIZES = table(
    "image_size",
    "p/{name}",
    column("name"),
    column("width", INT),
    column("height", INT),
    packed=("pictures.zip", "pictures.tar.gz"),
)
SIDES = st.integers(1, 300)


def picture(format: str, size: tuple[int, int], **options: object) -> bytes:
    """A grey picture as Pillow writes it."""
    buffer = io.BytesIO()
    Image.new("L", size, 77).save(buffer, format, **options)
    return buffer.getvalue()


def size(data: bytes) -> tuple[int, int] | str:
    return size_of(io.BytesIO(data))


@given(width=SIDES, height=SIDES, progressive=st.booleans())
def test_jpegs_of_another_hand(width: int, height: int, progressive: bool) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees for display: the size is the one stored
    data = picture("JPEG", (width, height), progressive=progressive, exif=exif, comment=CANARY * 3)
    assert size(data) == (width, height)


@given(width=SIDES, height=SIDES)
def test_pngs_of_another_hand(width: int, height: int) -> None:
    assert size(picture("PNG", (width, height))) == (width, height)


def dicom(rows: int, columns: int, syntax: UID, undefined: bool = True) -> bytes:
    """A data set as pydicom writes it: sequences and private elements stand before the size."""
    inner = Dataset()
    inner.Rows, inner.Columns = 3, 4  # of a picture inside of a sequence
    inner.ReferencedSOPInstanceUID = generate_uid(entropy_srcs=["a"])
    inner.is_undefined_length_sequence_item = undefined
    outer = Dataset()
    outer.ReferencedImageSequence = [inner, inner]
    outer["ReferencedImageSequence"].is_undefined_length = undefined
    outer.is_undefined_length_sequence_item = undefined
    data = Dataset()
    data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    data.SOPInstanceUID = generate_uid(entropy_srcs=["b"])
    data.ReferencedSeriesSequence = [outer]
    data["ReferencedSeriesSequence"].is_undefined_length = undefined
    data.add_new(0x00090010, "LO", "MADE UP")
    data.add_new(0x00091001, "UN", b"\1" * 20_000)
    data.add_new(0x00091002, "OB", b"\2" * 300)
    data.PatientComments = CANARY
    data.SamplesPerPixel = 1
    data.Rows, data.Columns = rows, columns
    data.BitsAllocated = 8
    if syntax == JPEG2000Lossless:
        data.PixelData = encapsulate([b"\xff\x4f" + CANARY.encode()])
        data["PixelData"].VR = "OB"
    else:
        data.PixelData = CANARY.encode()
        data["PixelData"].VR = "OB"
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = syntax
    buffer = io.BytesIO()
    data.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, JPEG2000Lossless]


@pytest.mark.parametrize("syntax", SYNTAXES, ids=[str(uid.name) for uid in SYNTAXES])
@pytest.mark.parametrize("undefined", [True, False])
@pytest.mark.parametrize(("width", "height"), [(1, 65_535), (2048, 2500), (258, 1)])
def test_dicoms_of_another_hand(syntax: UID, undefined: bool, width: int, height: int) -> None:
    data = dicom(height, width, syntax, undefined)
    read = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True)  # pyright: ignore[reportUnknownMemberType]
    assert size(data) == (read.Columns, read.Rows) == (width, height)


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def test_a_jpeg_by_hand() -> None:
    """ISO/IEC 10918-1: fill bytes before a marker (B.1.1.2), markers without a length, tables before the frame."""
    tables = segment(0xE1, b"\xff\xc0" + b"\0" * 60_000) + b"\xff\xff\xff" + segment(0xDB, b"\0" * 65)[1:]
    frame = struct.pack(">BHHB", 8, 513, 770, 1) + b"\1\x11\0"
    for marker in (0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCF):
        data = b"\xff\xd8" + tables + b"\xff\x01" + segment(0xC4, b"\0" * 20) + segment(marker, frame)
        assert size(data) == (770, 513)


def implicit_un() -> bytes:
    """PS3.5 6.2.2: an element UN of unknown length holds a sequence without type names, whatever the rest has."""
    item = struct.pack("<HHLHHHLH", 0x28, 0x10, 2, 3, 0x28, 0x11, 2, 4)
    inside = struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF) + item + struct.pack("<HHL", 0xFFFE, 0xE00D, 0)
    unknown = struct.pack("<HH2sHL", 9, 0x1001, b"UN", 0, 0xFFFFFFFF) + inside + struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
    meta = struct.pack("<HH2sH20s", 2, 0x10, b"UI", 20, b"1.2.840.10008.1.2.1")
    sides = struct.pack("<HH2sHHHH2sHH", 0x28, 0x10, b"US", 2, 600, 0x28, 0x11, b"US", 2, 500)
    return b"\0" * 128 + b"DICM" + meta + unknown + sides


def test_a_dicom_by_hand() -> None:
    assert size(implicit_un()) == (500, 600)


def no_size(data: bytes) -> bytes:
    """The hand-made DICOM file with another element in place of the columns."""
    return data.replace(struct.pack("<HH2sH", 0x28, 0x11, b"US", 2), struct.pack("<HH2sH", 0x28, 0x12, b"US", 2))


CUT_OFF = "a picture whose header is cut off"
PNG = picture("PNG", (5, 6))
BAD = {
    "text": (CANARY.encode(), "neither a JPEG, a PNG nor a DICOM file"),
    "empty": (b"", "neither a JPEG, a PNG nor a DICOM file"),
    "gif": (b"GIF89a" + b"\0" * 200, "neither a JPEG, a PNG nor a DICOM file"),
    "dicom without its preamble": (implicit_un()[132:], "neither a JPEG, a PNG nor a DICOM file"),
    "half a png": (PNG[:20], CUT_OFF),
    "a png with a flipped bit": (PNG[:17] + bytes([PNG[17] ^ 1]) + PNG[18:], "a damaged PNG header"),
    "a png without IHDR": (PNG[:8] + PNG[33:], "a damaged PNG header"),
    "a jpeg that starts with its scan": (b"\xff\xd8" + segment(0xDA, b"\0" * 10), "a damaged JPEG header"),
    "a jpeg out of step": (b"\xff\xd8" + segment(0xDB, b"\0" * 65) + CANARY.encode(), "a damaged JPEG header"),
    "a jpeg of unknown height": (
        b"\xff\xd8" + segment(0xC0, struct.pack(">BHHB", 8, 0, 9, 1) + b"\1\x11\0"),
        "a picture without width or height",
    ),
    "half a jpeg": (b"\xff\xd8" + segment(0xDB, b"\0" * 65), CUT_OFF),
    "half a dicom": (implicit_un()[:-3], CUT_OFF),
    "a dicom without columns": (no_size(implicit_un()), "a picture without width or height"),
    "a deflated dicom": (
        dicom(4, 5, DeflatedExplicitVRLittleEndian),
        "a DICOM file that is deflated as a whole",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_picture(tmp_path: Path, name: str) -> None:
    data, message = BAD[name]
    put(tmp_path, "p/sound.png", PNG)
    put(tmp_path, "p/bad.png", data)
    done = take(tmp_path, SIZES)
    assert [(found.code, found.message) for found in done.problems] == [("CXR614", message)]
    assert done.problems[0].label.file == "s/p/bad.png"  # type: ignore[union-attr]
    assert done.frame.rows() == [("sound.png", 5, 6)]


@given(data=st.binary(max_size=200), magic=st.sampled_from([b"\xff\xd8", PNG[:24], b"\0" * 128 + b"DICM", b""]))
def test_any_bytes_give_a_size_or_what_is_wrong(data: bytes, magic: bytes) -> None:
    assert isinstance(size(magic + data), tuple | str)


def test_sizes_of_packed_pictures(tmp_path: Path) -> None:
    pictures = {"a.png": picture("PNG", (7, 8)), "b.jpg": picture("JPEG", (9, 10)), "c": implicit_un()}
    with zipfile.ZipFile(put(tmp_path, "pictures.zip", b""), "w") as archive:
        for name, data in pictures.items():
            archive.writestr(f"top/p/{name}", data + b"\0" * 100_000)
    with tarfile.open(tmp_path / "s/pictures.tar.gz", "w:gz") as packed:
        info = tarfile.TarInfo("p/d.png")
        info.size = len(PNG)
        packed.addfile(info, io.BytesIO(PNG))
    done = take(tmp_path, SIZES)
    assert done.frame.rows() == [("a.png", 7, 8), ("b.jpg", 9, 10), ("c", 500, 600), ("d.png", 5, 6)]
    assert not done.problems


class Counted(io.BytesIO):
    """Bytes that know how many of them were read."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


@pytest.mark.parametrize("data", [PNG, picture("JPEG", (5, 6)), implicit_un()])
def test_only_the_head_of_a_picture_is_read(data: bytes) -> None:
    stream = Counted(data + b"\0" * 1_000_000)
    assert isinstance(size_of(stream), tuple)
    assert stream.taken < 20_000


def test_columns_that_a_picture_does_not_have(tmp_path: Path) -> None:
    put(tmp_path, "a.png", PNG)
    read = table(
        "image_size", "{n}", column("w", INT, "width"), column("depth", INT), column("path", TEXT, own("file"))
    )
    done = take(tmp_path, read)
    assert codes(done) == ["CXR610"]
    assert done.frame.rows() == [(5, None, "a.png")]


def test_the_checksum_of_a_png_is_that_of_its_definition() -> None:
    """ISO/IEC 15948 5.5: the CRC is of the chunk's type and data, as zlib has it."""
    body = b"IHDR" + struct.pack(">LLBBBBB", 21, 22, 16, 0, 0, 0, 0)
    chunk = struct.pack(">L", 13) + body + struct.pack(">L", zlib.crc32(body))
    assert size(PNG[:8] + chunk) == (21, 22)
