"""cxrspec.toml: the nearer word holds, and what is not understood is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxrspec.compiler.diagnostics import DataPlace, Report
from cxrspec.runtime.settings import Images, Options, Settings, load

FILE = """
data = "from_file"
out = "corpus"
specs = "/etc/specs"
seed = 7

[sources.mimic_cxr]
roots = ["jpg", "/reports"]

[images.mimic_cxr]
root = "small"
pattern = "{dicom_id}.png"

[images.openi]
root = "~/openi"
"""


def loaded(folder: Path, text: str | None, options: Options | None = None, **environment: str) -> Settings:
    if text is not None:
        (folder / "cxrspec.toml").write_text(text)
    report = Report()
    settings = load(folder, environment, options or Options(), report)
    assert report.diagnostics == []
    return settings


def test_everything_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/lab")
    assert loaded(tmp_path, FILE) == Settings(
        data=tmp_path / "from_file",
        out=tmp_path / "corpus",
        specs=Path("/etc/specs"),
        seed=7,
        sources={"mimic_cxr": (tmp_path / "jpg", Path("/reports"))},
        images={
            "mimic_cxr": Images(tmp_path / "small", "{dicom_id}.png"),
            "openi": Images(Path("/home/lab/openi")),
        },
    )


def test_without_a_file_there_are_defaults(tmp_path: Path) -> None:
    settings = loaded(tmp_path, None)
    assert (settings.data, settings.out, settings.specs) == (Path("data"), Path("out"), Path("specs"))
    assert settings.sources == {}


def test_option_before_environment_before_file_before_default(tmp_path: Path) -> None:
    option = Options(data=Path("option"))
    assert loaded(tmp_path, FILE, option, CXRSPEC_DATA="environment").data == Path("option")
    assert loaded(tmp_path, FILE, CXRSPEC_DATA="environment").data == Path("environment")
    assert loaded(tmp_path, FILE, CXRSPEC_DATA="").data == tmp_path / "from_file"
    assert loaded(tmp_path, "", None).data == Path("data")


def test_a_seed_of_zero_is_a_seed(tmp_path: Path) -> None:
    assert loaded(tmp_path, FILE, Options(seed=0)).seed == 0
    assert loaded(tmp_path, "seed = 0").seed == 0


@pytest.mark.parametrize(
    ("text", "message", "help"),
    [
        ('dta = "x"', "unknown key `dta`", ("a near name exists: `data`",)),
        ("data = 3", "`data` is a number, expected a text that is not empty", ()),
        ('out = ""', "`out` is an empty text, expected a text that is not empty", ()),
        ('seed = "1"', "`seed` is a text, expected a whole number", ()),
        ("seed = true", "`seed` is a truth value, expected a whole number", ()),
        ("seed = 2020-01-01", "`seed` is a date or time, expected a whole number", ()),
        ("sources = []", "`sources` is a list, expected a table", ()),
        ('sources.openi = "x"', "`sources.openi` is a text, expected a table", ()),
        ('sources.openi.roots = "x"', "`sources.openi.roots` is a text, expected a list of texts", ()),
        ("sources.openi.roots = [1]", "`sources.openi.roots` is a list, expected a list of texts", ()),
        ('sources.openi.root = ["x"]', "unknown key `sources.openi.root`", ("a near name exists: `roots`",)),
        ('images.openi.pattern = "x"', "`images.openi` has no `root`", ()),
        ("images.openi.root = {}", "`images.openi.root` is a table, expected a text that is not empty", ()),
    ],
)
def test_what_is_not_understood_is_said(tmp_path: Path, text: str, message: str, help: tuple[str, ...]) -> None:
    (tmp_path / "cxrspec.toml").write_text(text)
    report = Report()
    load(tmp_path, {}, Options(), report)
    (found,) = report.diagnostics
    assert (found.code, found.severity) == ("CXR805", "error")
    assert (found.message, found.help) == (message, help)
    assert isinstance(found.label, DataPlace)
    assert found.label.file == str(tmp_path / "cxrspec.toml")


def test_all_mistakes_are_said_and_the_rest_holds(tmp_path: Path) -> None:
    (tmp_path / "cxrspec.toml").write_text(
        'data = 1\nseed = 5\nfoo = 1\n[sources.a]\nroots = ["x"]\n[sources.b]\nr = 1'
    )
    report = Report()
    settings = load(tmp_path, {}, Options(), report)
    assert len(report.diagnostics) == 3
    assert (settings.data, settings.seed) == (Path("data"), 5)
    assert settings.sources == {"a": (tmp_path / "x",)}


@given(content=st.binary(max_size=40) | st.text(alphabet='ab=."[]{}1\n #', max_size=40).map(str.encode))
def test_any_bytes_give_settings_or_findings(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("lab")
    (folder / "cxrspec.toml").write_bytes(content)
    report = Report()
    load(folder, {}, Options(), report)
    assert all(d.code == "CXR805" for d in report.diagnostics)
