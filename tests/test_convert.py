"""`cxrspec images`: made-up pictures as pydicom and Pillow write them, against the arithmetic of the standard."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLosslessSV1,
    RLELossless,
    generate_uid,
)

from cxrspec.runtime.convert import Converted, convert

CANARY = "CANARY-5T"
RAMP = np.arange(4096, dtype=np.uint16).reshape(32, 128)  # 12 bits, each grey once


def dicom(pixels: NDArray[Any], photometric: str = "MONOCHROME2", bits: int = 12, **tags: object) -> Dataset:
    """A picture of one frame; `tags` by keyword."""
    data = Dataset()
    data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    data.SOPInstanceUID = generate_uid(entropy_srcs=["made up"])
    data.PatientName = CANARY
    data.PhotometricInterpretation = photometric
    data.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    if pixels.ndim == 3:
        data.PlanarConfiguration = 0
    data.Rows, data.Columns = pixels.shape[:2]
    data.BitsAllocated = pixels.dtype.itemsize * 8
    data.BitsStored, data.HighBit = bits, bits - 1
    data.PixelRepresentation = int(pixels.dtype.kind == "i")
    data.PixelData = pixels.tobytes()
    data["PixelData"].VR = "OB" if pixels.dtype.itemsize == 1 else "OW"
    for name, value in tags.items():
        setattr(data, name, value)
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return data


def table(bits: int, values: list[int], first: int = 0) -> Dataset:
    """An item of a VOI LUT sequence."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(values), first, bits])
    item.add_new("LUTData", "US", values)
    return item


def save(data: Dataset, file: Path, syntax: UID = ExplicitVRLittleEndian) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if syntax == RLELossless:
        data.compress(RLELossless)
    else:
        data.file_meta.TransferSyntaxUID = syntax
    data.save_as(file, enforce_file_format=True)


def run(root: Path, out: Path) -> Converted:
    done = convert([root], out, lambda path: path.relative_to(root.parent).as_posix(), lambda _: None)
    assert CANARY not in repr(done)
    assert not list(out.rglob(".*"))
    return done


def converted(tmp_path: Path, data: Dataset, syntax: UID = ExplicitVRLittleEndian) -> NDArray[np.uint8]:
    """The pixels of the one picture that comes of a data set."""
    save(data, tmp_path / "lab/one.dcm", syntax)
    done = run(tmp_path / "lab", tmp_path / "out")
    assert (done.made, done.there, done.findings) == (1, 0, ())
    with Image.open(tmp_path / "out/one.png") as image:
        assert image.mode == ("RGB" if data.SamplesPerPixel == 3 else "L")
        return np.asarray(image)


def same(found: NDArray[np.uint8], expected: Callable[[int], float], stored: NDArray[Any]) -> None:
    """Each pixel is the nearest to what the standard's real numbers say of what was stored."""
    assert found.shape == stored.shape
    for shown, grey in zip(found.ravel().tolist(), stored.ravel().tolist(), strict=True):
        assert abs(shown - expected(grey)) <= 0.5 + 1e-6


def window(center: float, width: float) -> Callable[[float], float]:
    """PS3.3 C.11.2.1.2.1, the formula of LINEAR, with 0 and 255 as outermost values."""

    def of(x: float) -> float:
        if x <= center - 0.5 - (width - 1) / 2:
            return 0
        if x > center - 0.5 + (width - 1) / 2:
            return 255
        return ((x - (center - 0.5)) / (width - 1) + 0.5) * 255

    return of


# ------------------------------------------------------------------------------------------------------------ greys

SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless]


@pytest.mark.parametrize("syntax", SYNTAXES, ids=[uid.name for uid in SYNTAXES])
@pytest.mark.parametrize("inverted", [False, True])
def test_a_window_in_every_syntax(tmp_path: Path, syntax: UID, inverted: bool) -> None:
    data = dicom(RAMP, "MONOCHROME1" if inverted else "MONOCHROME2", WindowCenter=1500, WindowWidth=2001)
    if syntax == ExplicitVRBigEndian:
        data.PixelData = RAMP.astype(">u2").tobytes()
    shown = window(1500, 2001)
    found = converted(tmp_path, data, syntax)
    same(found, lambda x: 255 - shown(x) if inverted else shown(x), RAMP)
    assert (found[0, 0], found[-1, -1]) == ((255, 0) if inverted else (0, 255))


@pytest.mark.parametrize(("slope", "intercept"), [(1, -1024), (0.5, 10), (-1, 4095)])
def test_a_window_speaks_of_what_the_rescale_gives(tmp_path: Path, slope: float, intercept: float) -> None:
    data = dicom(RAMP, RescaleSlope=slope, RescaleIntercept=intercept, WindowCenter=700, WindowWidth=900)
    shown = window(700, 900)
    same(converted(tmp_path, data), lambda x: shown(x * slope + intercept), RAMP)


def test_the_first_of_several_windows_holds(tmp_path: Path) -> None:
    data = dicom(RAMP, WindowCenter=[2048, 100], WindowWidth=[1000, 50])
    same(converted(tmp_path, data), window(2048, 1000), RAMP)


def test_windows_of_other_shapes(tmp_path: Path) -> None:
    """PS3.3 C.11.2.1.3: SIGMOID, and LINEAR_EXACT."""
    sigmoid = dicom(RAMP, WindowCenter=2000, WindowWidth=1200, VOILUTFunction="SIGMOID")
    same(converted(tmp_path / "1", sigmoid), lambda x: 255 / (1 + np.exp(-4 * (x - 2000) / 1200)), RAMP)
    exact = dicom(RAMP, WindowCenter=2000, WindowWidth=1201, VOILUTFunction="LINEAR_EXACT")
    same(converted(tmp_path / "2", exact), lambda x: min(max((x - 2000) / 1201 + 0.5, 0), 1) * 255, RAMP)


@pytest.mark.parametrize("inverted", [False, True])
def test_deep_greys_without_a_window_are_scaled_between_their_outermost(tmp_path: Path, inverted: bool) -> None:
    stored = RAMP[4:20] + 100
    low, high = 4 * 128 + 100, 20 * 128 - 1 + 100
    data = dicom(stored, "MONOCHROME1" if inverted else "MONOCHROME2", RescaleSlope=2, RescaleIntercept=5)

    def expected(x: int) -> float:
        share = (x - low) / (high - low)
        return (1 - share if inverted else share) * 255

    same(converted(tmp_path, data), expected, stored)


def test_signed_greys(tmp_path: Path) -> None:
    stored = (RAMP.astype(np.int16) - 2048).astype(np.int16)
    data = dicom(stored, WindowCenter=-40, WindowWidth=401)
    same(converted(tmp_path, data), window(-40, 401), stored)
    full = np.array([[-32768, 0, 32767]], np.int16)
    same(converted(tmp_path / "full", dicom(full, bits=16)), lambda x: (x + 32768) / 65535 * 255, full)


@pytest.mark.parametrize("inverted", [False, True])
def test_greys_of_8_bits_stay_as_they_are(tmp_path: Path, inverted: bool) -> None:
    stored = np.arange(20, 200, dtype=np.uint8).reshape(9, 20)
    data = dicom(stored, "MONOCHROME1" if inverted else "MONOCHROME2", bits=8)
    assert np.array_equal(converted(tmp_path, data), 255 - stored if inverted else stored)


def test_a_picture_of_one_grey_is_black(tmp_path: Path) -> None:
    assert not converted(tmp_path, dicom(np.full((3, 4), 77, np.uint16))).any()


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_a_table_goes_before_a_window(tmp_path: Path, bits: int) -> None:
    """PS3.3 C.11.2.1.2: what lies outside of the table takes its first or last entry."""
    top = 2**bits - 1
    values = [round((n / 2999) ** 2 * top) for n in range(3000)]
    data = dicom(RAMP, VOILUTSequence=[table(bits, values, first=500)], WindowCenter=10, WindowWidth=10)
    same(converted(tmp_path, data), lambda x: values[min(max(x - 500, 0), 2999)] / top * 255, RAMP)


def test_a_table_of_bytes(tmp_path: Path) -> None:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [4096, 0, 16])
    item.add_new("LUTData", "OW", struct.pack("<4096H", *(n * 16 for n in range(4096))))
    data = dicom(RAMP, VOILUTSequence=[item])
    same(converted(tmp_path, data), lambda x: x * 16 / 65535 * 255, RAMP)


def test_colours_are_kept(tmp_path: Path) -> None:
    stored = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    assert np.array_equal(converted(tmp_path, dicom(stored, "RGB", bits=8)), stored)


def test_lossless_jpeg(tmp_path: Path) -> None:
    """Decoded by another package than the one that pydicom brings."""
    import gdcm  # type: ignore[import-untyped]  # pyright: ignore

    stored = RAMP[:, ::-1].copy()
    save(dicom(stored, WindowCenter=2048, WindowWidth=4096), tmp_path / "plain.dcm")
    reader: Any = gdcm.ImageReader()  # pyright: ignore
    reader.SetFileName(str(tmp_path / "plain.dcm"))
    assert reader.Read()
    change: Any = gdcm.ImageChangeTransferSyntax()  # pyright: ignore
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))  # pyright: ignore
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer: Any = gdcm.ImageWriter()  # pyright: ignore
    (tmp_path / "lab").mkdir()
    writer.SetFileName(str(tmp_path / "lab/one.dcm"))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    header = pydicom.dcmread(tmp_path / "lab/one.dcm", stop_before_pixels=True)  # pyright: ignore
    assert header.file_meta.TransferSyntaxUID == JPEGLosslessSV1
    run(tmp_path / "lab", tmp_path / "out")
    with Image.open(tmp_path / "out/one.png") as image:
        same(np.asarray(image), window(2048, 4096), stored)


# --------------------------------------------------------------------------------------------------------------- PNG


def png(depth: int, colour: int, rows: list[bytes], width: int) -> bytes:
    """A PNG by hand (ISO/IEC 15948): signature, IHDR, IDAT of lines without filters, IEND."""
    header = struct.pack(">LLBBBBB", width, len(rows), depth, colour, 0, 0, 0)
    pieces = (b"IHDR", header), (b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))), (b"IEND", b"")
    body = b"".join(
        struct.pack(">L", len(data)) + name + data + struct.pack(">L", zlib.crc32(name + data)) for name, data in pieces
    )
    return b"\x89PNG\r\n\x1a\n" + body


def put(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def test_a_png_of_16_bits_is_scaled_between_its_outermost(tmp_path: Path) -> None:
    stored = np.array([[300, 5_000, 41_300], [301, 20_800, 299 + 2]], np.uint16)
    put(tmp_path / "lab/one.png", png(16, 0, [row.astype(">u2").tobytes() for row in stored], 3))
    assert run(tmp_path / "lab", tmp_path / "out").made == 1
    with Image.open(tmp_path / "out/one.png") as image:
        same(np.asarray(image), lambda x: (x - 300) / 41_000 * 255, stored)


@pytest.mark.parametrize(("depth", "colour", "row"), [(8, 0, b"abc"), (8, 2, b"abcdefghi"), (1, 0, b"\xa0")])
def test_other_pngs_are_copied(tmp_path: Path, depth: int, colour: int, row: bytes) -> None:
    data = png(depth, colour, [row, row], 3)
    put(tmp_path / "lab/one.png", data)
    assert run(tmp_path / "lab", tmp_path / "out").made == 1
    assert (tmp_path / "out/one.png").read_bytes() == data


# ------------------------------------------------------------------------------------------------------ files and runs


def lab(root: Path) -> None:
    """Pictures in several folders, and what is none."""
    for number, name in enumerate(("a/1.dcm", "a/b/1.dicom", "c/no suffix", "c/image-1.2.dcm", "2.dcm")):
        save(dicom(RAMP + number), root / name)
    put(root / "a/3.PNG", png(8, 0, [b"abc"], 3))
    put(root / "a/table.csv", CANARY.encode())
    put(root / "a/photo.jpg", b"\xff\xd8" + CANARY.encode())
    put(root / ".hidden/4.png", png(8, 0, [b"abc"], 3))
    put(root / "a/.5.png", png(8, 0, [b"abc"], 3))


WRITTEN = ["2.png", "a/1.png", "a/3.png", "a/b/1.png", "c/image-1.2.png", "c/no suffix.png"]


def below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_paths_are_kept(tmp_path: Path) -> None:
    lab(tmp_path / "lab")
    done = run(tmp_path / "lab", tmp_path / "out")
    assert (done.made, done.there, done.findings, done.pattern) == (6, 0, (), "{parent}/{stem}.png")
    assert below(tmp_path / "out") == WRITTEN


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    lab(tmp_path / "lab")
    run(tmp_path / "lab", tmp_path / "out")
    (tmp_path / "out/a/1.png").write_text("somebody's own", "utf-8")
    (tmp_path / "out/2.png").unlink()
    done = run(tmp_path / "lab", tmp_path / "out")
    assert (done.made, done.there) == (1, 5)
    assert (tmp_path / "out/a/1.png").read_text("utf-8") == "somebody's own"
    assert below(tmp_path / "out") == WRITTEN


def test_a_folder_of_the_source_may_take_the_copies(tmp_path: Path) -> None:
    lab(tmp_path / "lab")
    out = tmp_path / "lab/copies"
    assert [run(tmp_path / "lab", out).made, run(tmp_path / "lab", out).made] == [6, 0]
    assert below(out) == WRITTEN


def test_a_picture_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(dicom(RAMP), tmp_path / "lab/one.dcm")

    def full(image: Image.Image, file: Path, format: str) -> None:
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device", str(file))

    with monkeypatch.context() as patched:
        patched.setattr(Image.Image, "save", full)
        with pytest.raises(OSError, match="No space left"):
            convert([tmp_path / "lab"], tmp_path / "out", str, lambda _: None)
    assert not (tmp_path / "out/one.png").exists()
    assert run(tmp_path / "lab", tmp_path / "out").made == 1
    assert below(tmp_path / "out") == ["one.png"]


def test_several_roots(tmp_path: Path) -> None:
    save(dicom(RAMP), tmp_path / "lab/one/x.dcm")
    save(dicom(RAMP[:1]), tmp_path / "lab/two/x.dcm")
    save(dicom(RAMP), tmp_path / "lab/two/y.dcm")
    folders = [tmp_path / "lab/one", tmp_path / "lab/two"]
    done = convert(folders, tmp_path / "out", lambda path: path.name, lambda _: None)
    assert (done.made, [found.code for found in done.findings], done.pattern) == (2, ["CXR615"], "{stem}.png")
    with Image.open(tmp_path / "out/x.png") as image:
        assert image.size == (128, 32)


def test_progress_counts_up(tmp_path: Path) -> None:
    for number in range(3):
        put(tmp_path / f"lab/{number}.png", png(8, 0, [b"abc"], 3))
    told: list[str] = []
    convert([tmp_path / "lab"], tmp_path / "out", str, told.append)
    assert told == ["3 of 3 pictures"]


# ---------------------------------------------------------------------------------------------------------- what is bad


def frames(data: Dataset) -> None:
    data.NumberOfFrames = 2
    data.PixelData *= 2


def palette(data: Dataset) -> None:
    data.PhotometricInterpretation = "PALETTE COLOR"


def no_pixels(data: Dataset) -> None:
    del data.PixelData


def too_few(data: Dataset) -> None:
    data.PixelData = data.PixelData[:-2]


def narrow(data: Dataset) -> None:
    data.WindowCenter, data.WindowWidth = 5, 0


def no_photometric(data: Dataset) -> None:
    del data.PhotometricInterpretation


NOT_SHOWN = "a DICOM file whose pixels cannot be read or displayed (Explicit VR Little Endian)"
SPOILT: list[tuple[Callable[[Dataset], None], str]] = [
    (frames, "a DICOM file of several frames"),
    (palette, "a DICOM file of neither greys of up to 16 bits nor RGB of 8"),
    (no_pixels, "a DICOM file without pixels"),
    (too_few, NOT_SHOWN),
    (narrow, NOT_SHOWN),
    (no_photometric, "a damaged DICOM file"),
]


@pytest.mark.parametrize(("spoil", "message"), SPOILT)
def test_dicoms_that_cannot_be_converted(tmp_path: Path, spoil: Callable[[Dataset], None], message: str) -> None:
    data = dicom(RAMP)
    spoil(data)
    save(data, tmp_path / "lab/bad.dcm")
    save(dicom(RAMP), tmp_path / "lab/good.dcm")
    done = run(tmp_path / "lab", tmp_path / "out")
    assert [(found.code, found.message) for found in done.findings] == [("CXR615", message)]
    assert done.findings[0].label.file == "lab/bad.dcm"  # type: ignore[union-attr]
    assert below(tmp_path / "out") == ["good.png"]


def test_a_syntax_that_nobody_knows(tmp_path: Path) -> None:
    save(dicom(RAMP), tmp_path / "lab/one.dcm")
    data = (tmp_path / "lab/one.dcm").read_bytes()
    put(tmp_path / "lab/one.dcm", data.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.9.9\0"))
    (found,) = run(tmp_path / "lab", tmp_path / "out").findings
    assert found.message == "a DICOM file whose pixels cannot be read or displayed (an unknown syntax)"


@pytest.mark.parametrize("size", [140, 200, 400, 1000])
def test_half_a_dicom(tmp_path: Path, size: int) -> None:
    save(dicom(RAMP), tmp_path / "lab/one.dcm")
    put(tmp_path / "lab/one.dcm", (tmp_path / "lab/one.dcm").read_bytes()[:size])
    done = run(tmp_path / "lab", tmp_path / "out")
    assert [found.code for found in done.findings] == ["CXR615"]
    assert below(tmp_path / "out") == []


def test_pngs_that_cannot_be_converted(tmp_path: Path) -> None:
    rows = [struct.pack(">9H", *range(9))] * 200
    put(tmp_path / "lab/colour.png", png(16, 2, rows, 3))
    put(tmp_path / "lab/cut.png", png(16, 0, [bytes(range(200))] * 200, 100)[:150])
    put(tmp_path / "lab/head.png", png(16, 0, rows, 9)[:20])
    done = run(tmp_path / "lab", tmp_path / "out")
    found = {f.label.file: f.message for f in done.findings}  # type: ignore[union-attr]
    assert found == {
        "lab/colour.png": "a PNG of 16 bits in colour or with transparency",
        "lab/cut.png": "a damaged PNG file",
        "lab/head.png": "a damaged PNG file",
    }
    assert below(tmp_path / "out") == []


def test_one_name_for_two_pictures(tmp_path: Path) -> None:
    save(dicom(RAMP), tmp_path / "lab/one.dcm")
    put(tmp_path / "lab/one.png", png(8, 0, [b"abc"], 3))
    done = run(tmp_path / "lab", tmp_path / "out")
    assert (done.made, [(f.code, f.label.file) for f in done.findings]) == (1, [("CXR615", "lab/one.png")])  # type: ignore[union-attr]
