"""Settings of a lab: cxrspec.toml, the environment and the options of the command, the nearer one first.

    data = "/data/cxr"                            # option --data, else CXRSPEC_DATA, else this line, else "data"
    out = "corpus"
    specs = "specs"
    seed = 1

    [sources.mimic_cxr]
    roots = ["/data/mimic-cxr-jpg", "/data/mimic-cxr-reports"]

    [images.mimic_cxr]                            # a lab's converted copies
    root = "/data/mimic-512"
    pattern = "{dicom_id}.png"

Paths of the file are relative to its folder.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, cast

from cxrspec.compiler.diagnostics import DataPlace, Diagnostic, Report, near

FILE = "cxrspec.toml"
DATA_VARIABLE = "CXRSPEC_DATA"
DEFAULT_SEED = 1

Table: TypeAlias = Mapping[str, Any]
"""A table of TOML: values of any of its types."""


@dataclass(frozen=True, slots=True)
class Images:
    """Where the pictures of a source really are: below `root`, by `pattern` (None: by their own paths)."""

    root: Path
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says; None is what it does not say."""

    data: Path | None = None
    out: Path | None = None
    specs: Path | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are, and the seed. `sources` are more roots of a source, by its name; so are `images`."""

    data: Path
    out: Path
    specs: Path
    seed: int
    sources: Mapping[str, tuple[Path, ...]] = field(default_factory=dict[str, tuple[Path, ...]])
    images: Mapping[str, Images] = field(default_factory=dict[str, Images])


def load(folder: Path, environment: Mapping[str, str], options: Options, report: Report) -> Settings:
    """The settings of a command started in `folder`; what the file says wrongly is reported (CXR805) and left out."""
    file = folder / FILE
    said = _File(file, report)
    top = said.read()
    said.known(top, "", ("data", "out", "specs", "seed", "sources", "images"))
    from_file = {name: said.path(top, name, "") for name in ("data", "out", "specs")}
    from_environment = environment.get(DATA_VARIABLE)
    seed = said.value(top, "seed", "", _int)
    return Settings(
        data=options.data or (Path(from_environment) if from_environment else from_file["data"]) or Path("data"),
        out=options.out or from_file["out"] or Path("out"),
        specs=options.specs or from_file["specs"] or Path("specs"),
        seed=next(s for s in (options.seed, seed, DEFAULT_SEED) if s is not None),
        sources={n: r for n, t in said.tables(top, "sources") if (r := _roots(said, n, t)) is not None},
        images={n: i for n, t in said.tables(top, "images") if (i := _images(said, n, t)) is not None},
    )


@dataclass(frozen=True, slots=True)
class _File:
    """Reads values of the file by name and type, and reports those of another type."""

    file: Path
    report: Report

    def read(self) -> Table:
        """The whole file; an absent one is empty, and so is one that is no TOML."""
        try:
            return tomllib.loads(self.file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:  # tomllib's own error is a ValueError, and so is text that is no UTF-8
            reason = str(error) if isinstance(error, tomllib.TOMLDecodeError) else type(error).__name__
            self.wrong(None, f"`{FILE}` is not readable as TOML: {reason}")
            return {}

    def known(self, table: Table, place: str, names: tuple[str, ...]) -> None:
        """Report the keys of `table` that are none of `names`."""
        for name in sorted(set(table) - set(names)):
            self.wrong(place + name, f"unknown key `{place}{name}`", near(name, names, "keys"))

    def value(self, table: Table, name: str, place: str, form: Callable[[object], Any]) -> Any:
        """`table[name]` as `form` makes it; None where it is absent or `form` raises TypeError."""
        if name not in table:
            return None
        try:
            return form(table[name])
        except TypeError as error:
            self.wrong(place + name, f"`{place}{name}` is {_kind(table[name])}, expected {error}")
            return None

    def path(self, table: Table, name: str, place: str) -> Path | None:
        """A path, from the folder of the file."""
        text = self.value(table, name, place, _text)
        return None if text is None else self.at(text)

    def at(self, text: str) -> Path:
        """The path `text` of the file."""
        return self.file.parent / Path(text).expanduser()

    def tables(self, top: Table, name: str) -> list[tuple[str, Table]]:
        """The tables below `name`, by their own names."""
        outer: Table = self.value(top, name, "", _table) or {}
        found = ((key, self.value(outer, key, f"{name}.", _table)) for key in outer)
        return [(key, table) for key, table in found if table is not None]

    def wrong(self, key: str | None, message: str, help: str = "") -> None:
        """Record a finding about `key`."""
        place = DataPlace(str(self.file), key)
        self.report.diagnostics.append(Diagnostic("CXR805", "error", message, place, help=(help,) if help else ()))


def _roots(said: _File, name: str, table: Table) -> tuple[Path, ...] | None:
    place = f"sources.{name}."
    said.known(table, place, ("roots",))
    roots = said.value(table, "roots", place, _texts)
    return None if roots is None else tuple(said.at(root) for root in roots)


def _images(said: _File, name: str, table: Table) -> Images | None:
    place = f"images.{name}."
    said.known(table, place, ("root", "pattern"))
    if "root" not in table:
        said.wrong(place + "root", f"`images.{name}` has no `root`")
    root = said.path(table, "root", place)
    pattern = said.value(table, "pattern", place, _text)
    return None if root is None else Images(root, pattern)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("a text that is not empty")
    return value


def _texts(value: object) -> list[str]:
    if not isinstance(value, list) or not value:
        raise TypeError("a list of texts")
    try:
        return [_text(item) for item in cast("list[object]", value)]
    except TypeError:
        raise TypeError("a list of texts") from None


def _int(value: object) -> int:
    if type(value) is not int:
        raise TypeError("a whole number")
    return value


def _table(value: object) -> Table:
    if not isinstance(value, dict):
        raise TypeError("a table")
    return cast(Table, value)


def _kind(value: object) -> str:
    """What `value` is, in the words of TOML."""
    match value:
        case "":
            return "an empty text"
        case str():
            return "a text"
        case bool():
            return "a truth value"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "a date or time"
