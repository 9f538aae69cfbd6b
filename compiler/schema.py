"""The form of a file: a Document is held against the JSON Schema of its kind; every deviation is one finding.

    kind: task, prompts: ...    ->    CXR007 unknown key `prompts`, a near name exists: `prompt`

The schemas (grammars/<kind>.schema.json) mark with `x-expression` and `x-prompt` where text of the language stands,
word with `x-form` what a pattern asks for, with `x-elsewhere` what others call a key,
say with `x-help` what becomes of a word, a key or a type that is not among those allowed, and list with `x-instead` the keys that would have made another form of it;
`x-text` tells editors what a value is that is a text. editor.py makes of them what editors read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache, reduce
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

from cxrspec.compiler.conforms import conforms
from cxrspec.compiler.data import is_mapping
from cxrspec.compiler.declarations import KINDS
from cxrspec.compiler.diagnostics import Edit, Fix, Report, Span, close, near, respell, write
from cxrspec.compiler.document import Document, Path
from cxrspec.compiler.types import SPLITS_ELSEWHERE
from cxrspec.compiler.yaml_mistakes import quoted, single

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_TYPES = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "a flag",
    "array": "a list",
    "object": "a mapping",
}
_BRACED = re.compile(r"\{\s*[^\s{}:,\"'][^{}:,]*\}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
NAME = "a name of letters, digits and `_`, no digit first"


def validate(document: Document, report: Report) -> bool:
    """Whether `document` has the form of its kind; reports what has not (CXR006 to CXR009, CXR012)."""
    kind = _kind(document, report)
    if kind is None:
        return False
    if conforms(document.value, schema(kind), schema(kind)["definitions"]):
        return True
    errors = list(_validator(kind).iter_errors(document.value))
    _keys(document, errors, report)
    values: dict[tuple[Path, bool], ValidationError] = {}
    for error in errors:
        if error.validator not in ("additionalProperties", "required"):
            place = _path(error), "propertyNames" in error.absolute_schema_path
            if place not in values or error.validator == "type":
                values[place] = error
    braced = {_braced(document, path, error) for (path, is_key), error in values.items() if not is_key}
    for (path, is_key), error in values.items():
        if is_key and path in braced:
            pass  # no key, but an expression
        elif is_key:
            _key_name(document, (*path, str(error.instance)), error, report)
        else:
            _value(document, path, error, report)
    return not errors


def _kind(document: Document, report: Report) -> str | None:
    """The kind of file, which picks the schema (CXR006)."""
    value = document.value
    help = f"a file starts with `kind:`, one of {_alternatives(KINDS)}"
    if not isinstance(value, dict):
        report.error("CXR006", document.span(()), f"found {_found(document, ())}, expected keys and values", help=help)
        return None
    if "kind" not in value:
        report.error("CXR006", _head(document, ()), "a file without `kind`", help=help)
        return None
    kind = document.raw(("kind",)) if not isinstance(value["kind"], str) else value["kind"]
    if kind in KINDS:
        return kind
    span = document.inside(document.span(("kind",)))
    help, fix = near(kind, KINDS, "kinds"), respell(span, kind, KINDS)
    report.error("CXR006", span, f"unknown kind of file `{kind}`", help=help, fix=fix)
    return None


@cache
def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind of file; nobody changes it."""
    read: dict[str, Any] = json.loads((files("cxrspec.grammars") / f"{kind}.schema.json").read_text("utf-8"))
    return read


@cache
def _validator(kind: str) -> Any:
    """The validator of a kind of file; a whole number is written without a point."""
    from jsonschema import Draft7Validator, validators

    def is_integer(_: object, value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool)

    checker = Draft7Validator.TYPE_CHECKER.redefine("integer", is_integer)
    extend = cast(Any, validators).extend
    return extend(Draft7Validator, type_checker=checker)(schema(kind))


def _path(error: ValidationError) -> Path:
    return tuple(error.absolute_path)


def _head(document: Document, path: Path) -> Span:
    """What to mark for a mapping or list as a whole: its key, or its first key where it is a list item."""
    if path in document.keys:
        return document.keys[path]
    value = _at(document, path)
    return document.key_span((*path, next(iter(value)))) if is_mapping(value) and value else document.span(path)


def _at(document: Document, path: Path) -> Any:
    return reduce(lambda value, step: value[step], path, document.value)


# ---- keys


def _keys(document: Document, errors: Iterable[ValidationError], report: Report) -> None:
    """Unknown keys, and missing ones that no unknown key is a misspelling of: one finding for all a mapping lacks."""
    unknown: dict[Path, list[str]] = {}
    instead: dict[Path, list[str]] = {}
    elsewhere: dict[Path, dict[str, str]] = {}
    missing: dict[Path, list[str]] = {}
    for error in errors:
        path, instance, schema = _path(error), cast(Any, error.instance), cast(dict[str, Any], error.schema)
        if error.validator == "additionalProperties":
            instead[path] = list(schema.get("x-instead", ()))
            strange = [key for key in instance if key not in schema["properties"]]
            forms = [key for key in instead[path] if key not in schema["properties"]]
            for key in [key for key in strange if get_close_matches(key, forms, n=1)] or strange:
                unknown.setdefault(path, []).append(key)
                span, keys = document.inside(document.key_span((*path, key))), [*schema["properties"], *instead[path]]
                words = elsewhere[path] = schema.get("x-elsewhere", {})
                help = schema.get("x-help", {}).get(key) or near(key, keys, "keys")
                help = f"here it is `{words[key]}`" if key in words else help
                fix = respell(span, key, {*keys} - {*instance}, {**SPLITS_ELSEWHERE, **words})
                report.error("CXR007", span, f"unknown key `{key}`", help=help, fix=fix)
        elif error.validator == "required":
            absent = [key for key in cast(list[str], error.validator_value) if key not in instance]
            missing[path] = list(dict.fromkeys([*missing.get(path, ()), *absent]))
    for path, absent in missing.items():
        others = instead.get(path, [])
        meant = {name for key in unknown.get(path, ()) for name in get_close_matches(key, [*absent, *others], n=1)}
        meant |= {elsewhere[path][key] for key in unknown.get(path, ()) if key in elsewhere[path]}
        names = [name for name in absent if name not in meant and not meant & {*others}]
        if names:
            what = "missing key " if len(names) == 1 else "missing keys "
            report.error("CXR008", _head(document, path), what + ", ".join(f"`{name}`" for name in names))


def _key_name(document: Document, path: Path, error: ValidationError, report: Report) -> None:
    """A key that is free to choose, but not as it was."""
    name = str(path[-1])
    span = document.inside(document.key_span(path))
    if error.validator == "enum":
        allowed = cast(list[str], error.validator_value)
        message = f"found `{name}`, expected {_alternatives(allowed)}"
        fix = respell(span, name, allowed, SPLITS_ELSEWHERE)
        report.error("CXR009", span, message, help=_of_word(name, error), fix=fix)
    else:
        report.error("CXR009", span, f"found `{name}`, expected {NAME}")


# ---- values


def _value(document: Document, path: Path, error: ValidationError, report: Report) -> None:
    """A value of the wrong form (CXR009), or YAML's own brackets where an expression or a prompt belongs (CXR012)."""
    value, schema = cast(Any, error.instance), cast(dict[str, Any], error.schema)
    span = _head(document, path) if _is_block(document, path) else document.span(path)
    language = "an expression" if schema.get("x-expression") else "a prompt" if schema.get("x-prompt") else ""
    if (braced := _braced(document, path, error)) is not None:
        inner = document.raw(braced).strip("{} \t\r\n")
        help = f"YAML reads `{{...}}` as a mapping: without braces it is `{inner}`"
        place = document.span(braced)
        report.error("CXR012", place, "an expression in braces", help=help, fix=write(place, inner))
    elif error.validator == "maxProperties":
        second = list(value)[1]
        message = f"a second key, `{second}`, where one is expected"
        span = document.key_span((*path, second))
        report.error("CXR009", span, message, help="each step is a list item of its own")
    elif error.validator == "type" and language and isinstance(value, dict | list):
        message = f"{_found(document, path)} where {language} belongs"
        said = schema.get("x-help", {}).get("array" if isinstance(value, list) else "object", "")
        fix = _quoting(document, path) if not said and _is_expression(document, path) else None
        report.error("CXR012", span, message, help=said or _in_quotes(document, path), fix=fix)
    else:
        message, help, fix = _expected(document, path, error, language)
        report.error("CXR009", span, f"found {_found(document, path)}, expected {message}", help=help, fix=fix)


def _expected(document: Document, path: Path, error: ValidationError, language: str) -> tuple[str, str, Fix | None]:
    """What the schema asks for, in words, what to do about it, and the fix that does it."""
    bound = cast(Any, error.validator_value)
    match error.validator:
        case "type":
            types: list[str] = [bound] if isinstance(bound, str) else bound
            if types == ["array"] and is_mapping(_at(document, path)):
                return _alternatives([_TYPES[t] for t in types], ""), *_dashes(document, path, error)
            is_text = types == ["string"] and isinstance(_at(document, path), int | float)
            help, fix = (_in_quotes(document, path), _quoting(document, path)) if is_text else ("", None)
            if (
                isinstance(error.instance, str)
                and {*types} <= {"integer", "number"}
                and _NUMBER.fullmatch(error.instance)
            ):
                help, fix = "a number has no quotes", write(document.span(path), error.instance)
            form = cast(Any, error.schema).get("x-form", "") if types == ["object"] else ""
            return language or form or _alternatives([_TYPES[t] for t in types], ""), help, fix
        case "enum":
            span = document.inside(document.span(path))
            word = document.text[span.start : span.end]
            return _alternatives(bound), _of_word(word, error), respell(span, word, map(str, bound), SPLITS_ELSEWHERE)
        case "pattern":
            return str(cast(Any, error.schema).get("x-form", NAME)), "", None
        case "minimum" | "minItems" | "minProperties":
            return f"at least {bound}", "", None
        case "exclusiveMaximum":
            return f"less than {bound}", "", None
        case _:
            return f"at most {bound}", "", None


def _braced(document: Document, path: Path, error: ValidationError) -> Path | None:
    """The path of `{x}`, an expression of which YAML has made a key without a value."""
    is_member = error.instance is None and _around(document, error).get("x-expression")
    place, schema = path[:-1] if is_member else path, cast(dict[str, Any], error.schema)
    is_braced = _BRACED.fullmatch(document.raw(place)) and is_mapping(_at(document, place))
    return place if is_braced and schema.get("x-expression") else None


def _around(document: Document, error: ValidationError) -> dict[str, Any]:
    """The schema of the mapping whose member is wrong, where its keys are free to choose."""
    *steps, member, _ = error.absolute_schema_path
    node: Any = schema(document.value["kind"])
    for step in steps if member == "additionalProperties" else ():
        node = _meant(document, node[step])
    return cast(dict[str, Any], node)


def _meant(document: Document, node: Any) -> Any:
    """A part of the schema, or what it refers to."""
    while "$ref" in node:
        node = schema(document.value["kind"])["definitions"][node["$ref"].removeprefix("#/definitions/")]
    return node


def _dashes(document: Document, path: Path, error: ValidationError) -> tuple[str, Fix | None]:
    """How a mapping where a list belongs becomes one: of one item, or of one for each key where an item has no more."""
    item = _meant(document, cast(Any, error.schema)["items"])
    keys = list(_at(document, path))
    if not keys or "properties" not in item:
        return "", None
    help = f"each item has its dash, also one alone: `- {keys[0]}: ...`"
    if not _is_block(document, path) or not {*keys} <= item["properties"].keys():
        return help, None
    heads = keys if item.get("maxProperties") == 1 else keys[:1]
    dashed = {document.key_span((*path, key)).start for key in heads}
    span = document.span(path)
    lines = re.compile(r"^[ \t]*(?=\S)", re.MULTILINE).finditer(document.text, span.start, span.end)
    starts = [span.start, *(line.end() for line in lines)]
    edits = [Edit(Span(span.file, at, at), "- " if at in dashed else "  ") for at in dict.fromkeys(starts)]
    return help, Fix(f"put `- ` before {', '.join(f'`{key}`' for key in heads)}", tuple(edits))


def _found(document: Document, path: Path) -> str:
    """What stands at `path`, in words."""
    value = _at(document, path)
    text = document.raw(path)
    match value:
        case None:
            return "nothing"
        case dict():
            return "a mapping" if value else "an empty mapping"
        case list():
            return "a list" if value else "an empty list"
        case bool():
            return f"`{text}`"
        case int() | float():
            return f"the number `{text}`"
        case _ if len(text) > 40 or "\n" in text:
            return "text"
        case _:
            return f"the text `{value}`"


def _is_block(document: Document, path: Path) -> bool:
    """Whether a list or mapping is written without brackets."""
    return path not in document.styles and not document.raw(path).startswith(("{", "["))


def _in_quotes(document: Document, path: Path) -> str:
    """How a value is written as text; nothing if it takes several lines."""
    text = document.raw(path)
    return "" if "\n" in text or _is_block(document, path) else f"quotes make it text: {quoted(text)}"


def _quoting(document: Document, path: Path) -> Fix | None:
    """The fix for what `_in_quotes` says."""
    text = document.raw(path)
    return None if "\n" in text or _is_block(document, path) else write(document.span(path), single(text))


def _is_expression(document: Document, path: Path) -> bool:
    """Whether YAML's list or mapping is certain to be meant as an expression.

    Its texts are in quotes, or a word is its only item; several words may well be meant as texts.
    """
    leaves = [p for p in document.styles if p[: len(path)] == path]
    words = [p for p in leaves if document.styles[p] == "plain" and isinstance(_at(document, p), str)]
    return isinstance(_at(document, path), list) and (not words or len(leaves) == 1)


def _of_word(word: str, error: ValidationError) -> str:
    """Help on a word that is not among those allowed: what the schema says of it, or one that it resembles."""
    known, said = cast(list[str], error.validator_value), cast(Any, error.schema).get("x-help", {})
    return str(said.get(word) or (near(word, known) if close(word, known) else ""))


def _alternatives(names: Iterable[str], mark: str = "`") -> str:
    """`a`, `b` or `c`."""
    *first, last = [f"{mark}{name}{mark}" for name in names]
    return f"{', '.join(first)} or {last}" if first else last
