"""PARSE: a validated Document becomes declarations; every expression, prompt and type in it becomes a tree.

The JSON Schema has been satisfied before, so shapes are taken for granted here. Text that does not parse is
reported and stands as `Invalid`, an unknown type as `Unknown`: later passes keep quiet about them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from operator import getitem
from typing import Any, Literal, TypeGuard, cast

from cxrspec.compiler import declarations as d
from cxrspec.compiler.data import is_list, is_mapping
from cxrspec.compiler.diagnostics import Cause, Label, Report, Severity, Span, is_typo, near, respell, write
from cxrspec.compiler.document import Document, Path
from cxrspec.compiler.grammar import parse_expression, parse_prompt, parse_type
from cxrspec.compiler.plan import Own, Part, Place, RawColumn, Read, parts
from cxrspec.compiler.syntax import Choice, Expr, Name, Prompt, Words
from cxrspec.compiler.types import (
    BOX,
    SPLITS,
    SPLITS_ELSEWHERE,
    TEXT,
    UNKNOWN,
    ListOf,
    RecordOf,
    Scalar,
    Type,
    nullable,
    present,
)

_KINDS: dict[type, str] = {str: "text", int: "a number", float: "a number", bool: "a flag"}
_FLAGS = {"yes": "true", "on": "true", "no": "false", "off": "false"}
OWN_FIELDS = ("row", "file", "text", "key", "value", "position")


def is_own(field: str) -> TypeGuard[Own]:
    """Whether a reader knows this field itself."""
    return field in OWN_FIELDS


def parse(document: Document, report: Report, published: bool = False) -> d.Declaration | None:
    """The declaration that `document` holds; with `published`, its overlay stands in place of the spec's own fields."""
    parser = _Parser(document, report, published)
    match document.value["kind"]:
        case "source":
            return parser.source()
        case "task":
            return parser.task(())
        case "spec":
            return parser.spec()
        case "spaces":
            return parser.spaces()
        case "licenses":
            return parser.licenses()
        case "words":
            return parser.words()
        case _:
            return None


def below(path: Path) -> Callable[[str], Path]:
    """From a key to its path below `path`."""
    return lambda key: (*path, key)


class _Parser:
    """Walks one document; a `Path` says where it stands."""

    def __init__(self, document: Document, report: Report, published: bool) -> None:
        self.document = document
        self.report = report
        self.published = published

    # ---- the document's values

    def get(self, path: Path, default: Any = None) -> Any:
        try:
            return reduce(getitem, path, self.document.value)
        except (KeyError, TypeError):  # what stands above may be text, where a mapping could stand, too
            return default

    def has(self, path: Path) -> bool:
        missing = object()
        return self.get(path, missing) is not missing

    def span(self, path: Path) -> Span:
        return self.document.span(path)

    def text(self, path: Path, default: str = "") -> str:
        value = self.get(path, default)
        return value if isinstance(value, str) else self.document.raw(path)

    def name(self, path: Path) -> Name:
        return Name(self.text(path), span=self.document.inside(self.span(path)))

    def key_name(self, path: Path) -> Name:
        return Name(str(path[-1]), span=self.document.inside(self.document.key_span(path)))

    def each(self, path: Path) -> list[Path]:
        """The paths of a list's items, or of the one value that stands for a list of one; of a mapping's members."""
        value = self.get(path)
        if value is None:
            return []
        if is_list(value):
            return [(*path, i) for i in range(len(value))]
        if is_mapping(value):
            return [(*path, key) for key in value]
        return [path]

    def members(self, path: Path) -> list[Path]:
        """The paths of a mapping's members by name, where the order in which they are written says nothing."""
        return sorted(self.each(path), key=lambda member: str(member[-1]))

    def names(self, path: Path) -> tuple[Name, ...]:
        return tuple(self.name(p) for p in self.each(path))

    def texts(self, path: Path) -> tuple[str, ...]:
        return tuple(self.text(p) for p in self.each(path))

    def flag(self, path: Path, default: bool = False) -> bool:
        return self.text(path, "yes" if default else "no") == "yes"

    def expression(self, path: Path) -> Expr:
        return parse_expression(self.text(path), self.document.locate(path), self.report)

    def expressions(self, path: Path) -> tuple[Expr, ...]:
        return tuple(self.expression(p) for p in self.each(path))

    def named_expressions(self, path: Path) -> tuple[tuple[Name, Expr], ...]:
        return tuple((self.key_name(p), self.expression(p)) for p in self.each(path))

    def type(self, path: Path) -> Type:
        return parse_type(self.text(path), self.document.locate(path), self.report)

    def prompt(self, path: Path) -> Prompt:
        """A prompt as block text (one alternative a line) or as a list of alternatives; no words after a finding."""
        lines = [parse_prompt(self.text(p), self.document.locate(p), self.report) for p in self.each(path)]
        if not is_list(self.get(path)):
            self.folded(path)
        known = [line for line in lines if line is not None]
        if len(known) < len(lines):
            return Words("", span=self.span(path))
        return known[0] if len(known) == 1 else Choice(tuple(known), (1,) * len(known), span=self.span(path))

    def folded(self, path: Path) -> None:
        """A warning if lines that read like prompts of their own were made one line by YAML."""
        if self.document.styles.get(path) == "literal":
            return
        lines = [line.strip() for line in self.document.raw(path).split("\n")]
        whole = [line for line in lines[:-1] if line.endswith((".", "?", "!", "}", "]"))]
        if whole:
            help = "`|` keeps the line ends: `prompt: |`, then one prompt a line"
            self.report.warning("CXR528", self.span(path), "YAML folds these lines into one prompt", help=help)

    def constants(self, path: Path) -> dict[str, tuple[d.Constant, Span]]:
        return {str(p[-1]): (self.constant(p), self.document.key_span(p)) for p in self.each(path)}

    def constant(self, path: Path) -> d.Constant:
        """A value, a list of values that are all of one kind, or a policy."""
        value = self.get(path)
        if is_mapping(value):
            return d.Policy(
                self.verdicts((*path, "uncertain")), self.verdicts((*path, "not_mentioned")), span=self.span(path)
            )
        if not isinstance(value, list):
            return cast(d.Constant, value)
        items = tuple(cast(list[str | int | float | bool], value))
        for place, item in enumerate(items):
            if _KINDS[type(item)] != _KINDS[type(items[0])]:
                message = f"`{item}` is {_KINDS[type(item)]}, in a list that starts with {_KINDS[type(items[0])]}"
                self.report.error("CXR303", self.span((*path, place)), message)
        return cast(d.Constant, items)

    def verdicts(self, path: Path) -> d.Verdicts:
        """One word for all labels, or a mapping of labels to words."""
        if not is_mapping(self.get(path)):
            return d.Verdicts((), cast(d.Verdict, self.text(path)), span=self.span(path))
        words: dict[Path, d.Verdict] = {p: cast(d.Verdict, self.text(p)) for p in self.each(path)}
        others = [p for p in words if p[-1] != "else"]
        named: tuple[tuple[Name, d.Verdict], ...] = tuple((self.key_name(p), words[p]) for p in others)
        return d.Verdicts(named, words[(*path, "else")], span=self.span(path))

    def rules(self, path: Path) -> dict[str, Prompt]:
        return {str(p[-1]): self.prompt(p) for p in self.each(path)}

    def key_spans(self, path: Path) -> dict[str, Span]:
        return {str(p[-1]): self.document.key_span(p) for p in self.each(path)}

    # ---- sources

    def source(self) -> d.Source:
        name = self.text(("name",))
        tables = {str(p[-1]): self.table(p, name) for p in self.each(("tables",))}
        return d.Source(
            name=name,
            title=self.text(("title",)),
            use=self.terms(("use",)),
            license=self.names(("license",)),
            homepage=self.text(("homepage",)),
            cite=self.texts(("cite",)),
            identity=self.identities(),
            constants=self.constants(("constants",)),
            tables=tables,
            splits={str(p[-1]): self.split(p) for p in self.each(("splits",))},
            use_spans={str(p[-1]): self.span(p) for p in self.each(("use",))},
            span=self.span(("name",)),
        )

    def terms(self, path: Path) -> tuple[tuple[str, str], ...]:
        return tuple((str(p[-1]), self.text(p)) for p in self.each(path))

    def identities(self) -> tuple[d.Identity, ...]:
        path: Path = ("identity",)
        places = self.each(path) if is_list(self.get(path)) else [path]
        return tuple(self.identity(p) for p in places)

    def identity(self, path: Path) -> d.Identity:
        patient = self.names((*path, "patient"))
        return d.Identity(
            space=self.text((*path, "space")),
            patient=None if [n.name for n in patient] in ([], ["none"]) else patient,
            study=self.names((*path, "study")),
            space_span=self.span((*path, "space")),
            span=self.span(path),
        )

    def table(self, path: Path, source: str) -> d.Table:
        if self.has((*path, "read")):
            return self.read_table(path, source)
        start, steps = self.name(self.own("from", path)), self.steps(self.own("steps", path))
        span = self.document.key_span(path)
        return d.DerivedTable(str(path[-1]), start, steps, span=span, elsewhere=self.elsewhere(path))

    def read_table(self, path: Path, source: str) -> d.ReadTable:
        at = below(path)
        missing = self.texts(at("missing"))
        labels = {p for p in self.each(at("columns")) if self.get((*p, "type")) == "labels"}
        cells = [p for p in self.each(at("columns")) if p not in labels]
        columns = {str(p[-1]): (self.column(p, missing), self.document.key_span(p)) for p in cells}
        key = self.names(at("key"))
        read = Read(
            table=f"{source}.{path[-1]}",
            format=self.text(at("read")),
            files=self.texts(at("files")),
            columns=tuple(column for column, _ in columns.values()),
            packed=self.texts(at("packed")),
            rows=self.text(at("rows")),
            key=tuple(n.name for n in key),
            header=self.flag(at("header"), True),
            separator=self.text(at("separator"), ","),
            quote="" if self.text(at("quote"), '"') == "none" else self.text(at("quote"), '"'),
            encoding=self.text(at("encoding"), "utf-8"),
            optional=self.flag(at("optional")),
            generated=self.text(at("origin")) == "generated",
        )
        count = self.bounds(at("count")) if self.has(at("count")) else None
        bundles = {str(p[-1]): self.labels(p, missing) for p in self.each(at("columns")) if p in labels}
        part_of = {str(p[-1]): self.name((*p, "part_of")) for p in cells if self.has((*p, "part_of"))}
        span = self.document.key_span(path)
        return d.ReadTable(str(path[-1]), read, key, columns, bundles, part_of, count, span=span)

    def labels(self, path: Path, missing: tuple[str, ...]) -> d.LabelColumn:
        at = below(path)
        names = self.list_of_names(at("fold") if self.has(at("fold")) else at("names"))
        places = tuple(self.place(p) for p in self.each(at("from")))
        return d.LabelColumn(names, places, missing, span=self.document.key_span(path))

    def column(self, path: Path, missing: tuple[str, ...]) -> RawColumn:
        name = str(path[-1])
        if not is_mapping(self.get(path)):
            return RawColumn(name, self.cell_type(path), (Place("name", name),), missing=missing)
        at = below(path)
        type = self.cell_type(at("type"))
        pairs, otherwise, other = self.values(at("values"), type, path)
        constant = self.get(at("value"))
        if constant is not None:
            self.fits_cell(constant, type, self.span(at("value")), path)
        places = tuple(self.place(p) for p in self.each(at("from"))) or (Place("name", name),)
        self.fields(at("each"), type)
        return RawColumn(
            name=name,
            type=nullable(type) if self.flag(at("optional")) else type,
            places=() if constant is not None else places,
            values=pairs,
            otherwise=otherwise,
            other=other,
            constant=constant,
            missing=missing + tuple("" if self.get(p) is None else self.text(p) for p in self.each(at("missing"))),
            optional=self.flag(at("optional")),
            squeeze=self.text(at("clean")) == "squeeze",
            each=tuple(self.part(p) for p in self.each(at("each"))),
        )

    def cell_type(self, path: Path) -> Type:
        """The type of a column that is read; no cell holds a box, which knows the size of its image."""
        type = self.type(path)
        if BOX not in parts(type):
            return type
        help = "`box`, `box_xywh` or `rle_box` in a `derive` makes it of what the cells hold"
        self.report.error("CXR304", self.span(path), "a column that is read cannot be a `box`", help=help)
        return UNKNOWN

    def fields(self, path: Path, type: Type) -> None:
        """The parts of `each:` are fields of the record that the column's items are."""
        items = present(type)
        record = present(items.item) if isinstance(items, ListOf) else items
        if not isinstance(record, RecordOf):
            return
        names = [name for name, _ in record.fields]
        for part in self.each(path):
            if part[-1] not in names:
                name = self.key_name(part)
                help, fix = near(name.name, names, "fields"), respell(name.span, name.name, names)
                self.report.error("CXR207", name.span, f"the record has no field `{name.name}`", help=help, fix=fix)

    def part(self, path: Path) -> Part:
        name = str(path[-1])
        if not is_mapping(self.get(path)):
            return Part(name, self.place(path))
        pairs, otherwise, other = self.values((*path, "values"), UNKNOWN, path)
        place = self.place((*path, "from")) if self.has((*path, "from")) else Place("name", name)
        return Part(name, place, pairs, otherwise, other)

    def values(
        self, path: Path, type: Type, column: Path
    ) -> tuple[
        tuple[tuple[str, str | int | float | bool], ...],
        Literal["refuse", "keep", "value"],
        str | int | float | bool | None,
    ]:
        """`values:` as pairs, with what an unlisted value is: refused, kept, or another value."""
        members = {str(p[-1]): self.get(p) for p in self.each(path)}
        for name, value in members.items():
            if value == "keep" and is_typo(name, "else") and "else" not in members:
                self.almost_else((*path, name), type)
            elif (name, value) != ("else", "keep"):
                self.fits_cell(value, type, self.span((*path, name)), column)
        other = members.pop("else", None)
        if other is None:
            return tuple(members.items()), "refuse", None
        return tuple(members.items()), "keep" if other == "keep" else "value", None if other == "keep" else other

    def almost_else(self, path: Path, type: Type) -> None:
        """A key of `values:` that stands for `else`; in a column of texts it could be one of the file's own."""
        name = self.key_name(path)
        severity: Severity = "warning" if present(type) == TEXT else "error"
        message, label = f"`{name.name}: keep` is not `else: keep`", f"read as cells that hold `{name.name}`"
        help = "`else: keep` takes cells that are not listed as they are"
        self.report.add(severity, "CXR220", name.span, message, label, help=help, fix=write(name.span, "else"))

    def fits_cell(self, value: str | int | float | bool, expected: Type, span: Span, column: Path) -> None:
        """A finding unless a column of this type can hold what the file of the spec says a cell means."""
        cause = Cause((Label(self.span((*column, "type")), "its type"),), (self.document.key_span(column),))
        message = f"`{value}` in a column of type `{expected}`"
        match present(expected):
            case Scalar("split") if value not in SPLITS:
                help, fix = near(str(value), SPLITS, "splits"), respell(span, str(value), SPLITS, SPLITS_ELSEWHERE)
                self.report.error("CXR202", span, f"unknown split `{value}`", help=help, fix=fix)
            case Scalar("bool") if value not in (True, False):
                flag = _FLAGS.get(str(value).lower())
                help, fix = ("`true` or `false`", write(span, flag)) if flag else ("", None)
                self.report.error("CXR301", span, message, help=help, fix=fix, cause=cause)
            case Scalar("int" | "float" as name) if type(value) not in ((int,) if name == "int" else (int, float)):
                self.report.error("CXR301", span, message, cause=cause)
            case _:
                pass

    def place(self, path: Path) -> Place:
        value = self.get(path)
        if isinstance(value, int) and not isinstance(value, bool):
            return Place("column", index=value)
        text = self.text(path)
        own = re.fullmatch(r"([a-z]+)\((\d*)\)", text)
        if own is None:
            return Place("name", text)
        kind, level = own.groups()
        if not is_own(kind):
            span = self.document.inside(self.span(path))
            self.report.error(
                "CXR201",
                span,
                f"unknown reader field `{kind}()`",
                help=near(kind, OWN_FIELDS, "reader fields"),
                fix=respell(replace(span, end=span.start + len(kind)), kind, OWN_FIELDS),
            )
            return Place("name", text)
        return Place(kind, index=int(level or 0))

    # ---- splits

    def split(self, path: Path) -> d.Split:
        at = below(path)
        span = self.document.key_span(path)
        table = self.name(at("table")) if self.has(at("table")) else None
        if self.has(at("constant")):
            return d.ConstantSplit(self.text(at("constant")), table, span=span)
        if self.has(at("holdout")):
            return d.HoldoutSplit(self.cut(at("holdout")), self.name(at("key")), table, span=span)
        if self.has(at("ratio")):
            out_of = [self.key_name(p) for p in self.each(at("out_of"))]
            return d.RatioSplit(self.shares(at("ratio")), out_of[0] if out_of else None, table, span=span)
        if self.has(at("lists")):
            lists = tuple((str(p[-1]), self.name(p)) for p in self.members(at("lists")))
            return d.ListSplit(lists, self.name(at("key")), table, span=span)
        return d.ColumnSplit(self.name(at("column")), table, span=span)

    def shares(self, path: Path) -> tuple[tuple[str, float], ...]:
        shares = tuple((str(p[-1]), float(self.get(p))) for p in self.each(path))
        if sum(share for _, share in shares) >= 1:
            self.report.error("CXR421", self.span(path), "the shares leave nothing for the other splits")
        return shares

    def cut(self, path: Path) -> d.Cut:
        held: Path = (*path, "held")
        return d.Cut(
            seed=self.get((*path, "seed"), 0),
            share=float(self.get((*path, "share"))),
            kept=self.text((*path, "kept")),
            held=self.cut(held) if is_mapping(self.get(held)) else self.text(held),
        )

    # ---- spaces

    def spaces(self) -> d.Spaces:
        return d.Spaces(tuple(self.space(p) for p in self.each(("spaces",))), span=self.span(("kind",)))

    def space(self, path: Path) -> d.Space:
        otherwise, authority = (*path, "otherwise"), (*path, "authority")
        rest = (
            d.RatioSplit(self.shares((*otherwise, "ratio")), None, None)
            if is_mapping(self.get(otherwise))
            else d.ConstantSplit(self.text(otherwise), None)
        )
        named = self.name(authority) if self.has(authority) else None
        return d.Space(str(path[-1]), named, rest, span=self.key_name(path).span)

    # ---- licences

    def licenses(self) -> d.Licenses:
        found = [d.License(str(p[-1]), self.terms(p), span=self.document.key_span(p)) for p in self.each(("licenses",))]
        return d.Licenses(tuple(found), span=self.span(("kind",)))

    # ---- steps

    def steps(self, path: Path) -> tuple[d.Step, ...]:
        return tuple(self.step((*p, key), key) for p in self.each(path) for key in self.get(p))

    def step(self, path: Path, kind: str) -> d.Step:
        read: dict[str, Callable[[Path], d.Step]] = {
            "where": self.where,
            "derive": lambda p: d.Derive(self.named_expressions(p), span=self.document.key_span(p)),
            "select": lambda p: d.Select(self.names(p), span=self.document.key_span(p)),
            "join": self.join,
            "group": self.group,
            "merge": self.merge,
            "explode": self.explode,
            "split": self.split_rows,
            "contrast": self.contrast,
            "union": lambda p: d.Union(self.name(p), span=self.document.key_span(p)),
            "unpivot": self.unpivot,
            "lag": self.lag,
        }
        return read[kind](path)

    def where(self, path: Path) -> d.Where:
        span = self.document.key_span(path)
        if is_mapping(self.get(path)):
            return d.Where(tuple((n.name, e) for n, e in self.named_expressions(path)), span=span)
        return d.Where((("where", self.expression(path)),), span=span)

    def pairs(self, path: Path) -> tuple[tuple[Name, Name], ...]:
        """`x`, `[x, y]` or `{mine: theirs}`, as pairs."""
        if is_mapping(self.get(path)):
            return tuple((self.key_name(p), self.name(p)) for p in self.each(path))
        return tuple((name, name) for name in self.names(path))

    def join(self, path: Path) -> d.Join:
        take: Path = (*path, "take")
        return d.Join(
            table=self.name((*path, "table")),
            on=self.pairs((*path, "on")),
            take=self.pairs(take) if self.has(take) else None,
            kind=cast(d.JoinKind, self.text((*path, "kind"), "inner")),
            many=self.flag((*path, "many")),
            span=self.document.key_span(path),
        )

    def group(self, path: Path) -> d.Group:
        return d.Group(
            by=self.names((*path, "by")),
            order=self.expressions((*path, "order")),
            take=self.named_expressions((*path, "take")),
            span=self.document.key_span(path),
        )

    def merge(self, path: Path) -> d.Merge:
        return d.Merge(
            by=self.names((*path, "by")),
            box=self.name((*path, "box")),
            over=float(self.get((*path, "over"))),
            order=self.expressions((*path, "order")),
            take=self.named_expressions((*path, "take")),
            span=self.document.key_span(path),
        )

    def explode(self, path: Path) -> d.Explode:
        column = self.name((*path, "column")) if is_mapping(self.get(path)) else self.name(path)
        return d.Explode(
            column=column,
            item=self.name((*path, "as")) if self.has((*path, "as")) else column,
            position=self.name((*path, "position")) if self.has((*path, "position")) else None,
            span=self.document.key_span(path),
        )

    def unpivot(self, path: Path) -> d.Unpivot:
        return d.Unpivot(
            columns=self.list_of_names((*path, "columns")),
            name=self.name((*path, "name")),
            value=self.name((*path, "value")),
            span=self.document.key_span(path),
        )

    def list_of_names(self, path: Path) -> tuple[Name, ...] | Name:
        """Names, or the one name of a constant that lists them."""
        return self.names(path) if is_list(self.get(path)) else self.name(path)

    def lag(self, path: Path) -> d.Lag:
        return d.Lag(
            by=self.names((*path, "by")),
            order=self.expressions((*path, "order")),
            take=self.pairs((*path, "take")),
            span=self.document.key_span(path),
        )

    def contrast(self, path: Path) -> d.Contrast:
        at = below(path)
        return d.Contrast(
            pool=self.name(at("pool")),
            lacks=self.expression(at("lacks")),
            take=self.pairs(at("take")),
            set=self.named_expressions(at("set")),
            mark=self.name((*at("mark"), "column")),
            origin=self.name((*at("mark"), "from")),
            span=self.document.key_span(path),
        )

    def split_rows(self, path: Path) -> d.SplitRows:
        if "published" not in path:
            help = (
                "rows get their split in a spec; a table that was published split has it in `published: {steps: ...}`"
            )
            message = "the step `split` has no place outside of `published`"
            self.report.error("CXR007", self.document.key_span(path), message, help=help)
        return d.SplitRows(self.name((*path, "name")), self.name((*path, "as")), span=self.document.key_span(path))

    # ---- tasks

    def task(self, path: Path, title: str = "") -> d.Task:
        title = title or self.text((*path, "name"))
        forms = tuple(self.form(p, i) for i, p in enumerate(self.each((*path, "turns"))))
        return d.Task(
            name=d.snake(title),
            title=title,
            about=self.text((*path, "about")),
            inputs=tuple((self.key_name(p), self.type(p)) for p in self.each((*path, "inputs"))),
            forms=forms,
            dialogue=self.flag((*path, "dialogue")),
            constants=self.constants((*path, "constants")),
            rules=self.rules((*path, "rules")),
            rule_spans=self.key_spans((*path, "rules")),
            span=self.span((*path, "name")) if self.has((*path, "name")) else self.span(path),
        )

    def form(self, path: Path, index: int) -> d.Form:
        count: Path = (*path, "count")
        return d.Form(
            name=self.text((*path, "form"), "ask" if index == 0 else f"ask{index + 1}"),
            let=self.named_expressions((*path, "let")),
            when=self.expression((*path, "when")) if self.has((*path, "when")) else None,
            count=self.get(count, 1),
            prompt=self.prompt((*path, "prompt")),
            answer=self.answer((*path, "answer")),
            span=self.span(path),
            count_span=self.span(count) if self.has(count) else None,
            prompt_span=self.document.key_span((*path, "prompt")),
        )

    def answer(self, path: Path) -> d.Answer:
        at = below(path)
        span = self.span(path)
        match self.text(at("format")):
            case "text":
                return d.TextAnswer(self.expression(at("text")), span=span)
            case "choice":
                return d.ChoiceAnswer(
                    self.expression(at("options")), self.expression(at("correct")), self.block(path), span=span
                )
            case "choices":
                options, correct = self.expression(at("options")), self.expression(at("correct"))
                return d.ChoicesAnswer(options, correct, self.block(path), self.empty(path), span=span)
            case "boxes":
                label = self.expression(at("label")) if self.has(at("label")) else None
                return d.BoxesAnswer(self.expression(at("boxes")), label, self.empty(path), span=span)
            case format:
                pairs = self.expression(at(format))
                return d.PairsAnswer(cast(Literal["entities", "counts"], format), pairs, self.empty(path), span=span)

    def empty(self, path: Path) -> Prompt | None:
        """What is answered where there is nothing."""
        return self.prompt((*path, "empty")) if self.has((*path, "empty")) else None

    def block(self, path: Path) -> d.Block:
        return d.Block(
            markers=cast(tuple[d.Marker, ...], self.texts((*path, "markers")) or ("letters",)),
            layout=cast(d.Layout, self.text((*path, "layout"), "lines")),
            reply=cast(tuple[d.Reply, ...], self.texts((*path, "reply")) or ("text",)),
            hint=self.prompt((*path, "hint")) if self.has((*path, "hint")) else None,
        )

    # ---- specs

    def beside_task(self, keys: list[str]) -> None:
        """A finding about keys that only a spec has that names no task."""
        if not keys:
            return
        first, *rest = sorted(self.document.key_span((key,)) for key in keys)
        named = ", ".join(f"`{key}`" for key in keys)
        several = f"the keys {named} have" if rest else f"the key {named} has"
        others = [Label(span, "nor has this") for span in rest]
        help = "a spec names its task, or carries `name`, `inputs` and `turns` itself"
        self.report.error("CXR007", first, f"{several} no place beside `task`", others=others, help=help)

    def spec(self) -> d.Spec:
        if self.has(("task",)):
            self.beside_task([key for key in ("name", "about", "inputs", "rules", "turns") if self.has((key,))])
        steps = self.steps(self.own("steps"))
        where = self.own("where")
        if self.has(where):
            steps += (self.where(where),)
        idle = (("own_split",), ("leak",), self.own("split"))
        return d.Spec(
            task=self.name(("task",)) if self.has(("task",)) else self.task((), self.text(("name",))),
            source=self.name(("source",)),
            start=self.name(self.own("from")),
            steps=steps,
            key=self.expressions(self.own("key")),
            keep=tuple(self.keep(p) for p in self.each(self.own("keep"))),
            bind=self.named_expressions(self.own("bind")),
            split=self.name(self.own("split")) if self.has(self.own("split")) else None,
            own_split=self.text(("own_split",)),
            leak=self.text(("leak",)),
            overlaid=tuple(name for name in self.get(("published",), {}) if self.own(name) != (name,)),
            identity="none" if self.text(self.own("identity")) == "none" else "source",
            study=self.expressions(self.own("study")) or None,
            expect=tuple((str(p[-1]), *self.bounds(p)) for p in self.members(self.own("expect"))),
            constants=self.constants(self.own("constants")),
            published=self.published_row(),
            own_split_span=self.document.key_span(("own_split",)) if self.has(("own_split",)) else None,
            leak_span=self.document.key_span(("leak",)) if self.has(("leak",)) else None,
            identity_span=self.span(self.own("identity")) if self.has(self.own("identity")) else None,
            expect_spans=self.key_spans(self.own("expect")),
            elsewhere=self.elsewhere(),
            entries={str(path[-1]): entry for path in idle if self.has(path) and (entry := self.document.entry(path))},
            span=self.span(("task",)) if self.has(("task",)) else self.span(("name",)),
        )

    def own(self, field: str, path: Path = ()) -> Path:
        """Where a field of a spec or table stands: in the overlay of a published run if that has it."""
        overlaid: Path = (*path, "published", field)
        return overlaid if self.published and self.has(overlaid) else (*path, field)

    def elsewhere(self, path: Path = ()) -> frozenset[str]:
        """The words of the fields that this reading leaves out: overlaid ones in a published run, else the overlay's."""
        overlay = self.get((*path, "published"), {})
        fields = {name: value for name, value in overlay.items() if name not in ("row", "because")}
        if self.published:
            fields = {name: self.get((*path, name)) for name in fields}
        return frozenset(re.findall(r"[A-Za-z_]\w*", str(fields)))

    def keep(self, path: Path) -> d.Keep:
        at = below(path)
        return d.Keep(
            name=str(path[-1]),
            where=self.expression(at("where")),
            split=self.text(at("split")),
            rows=self.get(at("rows")),
            share=self.get(at("share")),
            span=self.document.key_span(path),
        )

    def bounds(self, path: Path) -> tuple[int, int]:
        """A number, or what it is at least and at most."""
        value = self.get(path)
        low, high = value if is_list(value) else (value, value)
        if low > high:
            message = f"found `[{low}, {high}]`, expected the lower bound before the upper one"
            self.report.error("CXR009", self.span(path), message)
        return low, high

    def published_row(self) -> d.Published | None:
        row = self.texts(("published", "row"))
        if len(row) != 2:
            return None
        return d.Published(
            row=(row[0], row[1]),
            because=self.text(("published", "because")),
            rebuilds=self.flag(("published", "rebuilds"), True),
            copy=tuple((str(p[-1]), self.text(p)) for p in self.members(("published", "copy"))),
            overlaid=not self.get(("published",)).keys() <= {"row", "because", "rebuilds"},
        )

    # ---- words

    def words(self) -> d.Words:
        functions = {str(p[-1]): self.function(p) for p in self.each(("functions",))}
        rules, spans = self.rules(("rules",)), self.key_spans(("rules",))
        return d.Words(self.constants(("constants",)), rules, functions, rule_spans=spans, span=self.span(("kind",)))

    def function(self, path: Path) -> d.Function:
        takes = tuple((str(p[-1]), self.type(p)) for p in self.each((*path, "takes")))
        return d.Function(str(path[-1]), takes, self.expression((*path, "gives")), span=self.document.key_span(path))
