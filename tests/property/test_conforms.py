"""The quick answer whether a file has the form of its kind is that of jsonschema, whatever the file holds."""

from __future__ import annotations

import copy
import json
import math
from functools import cache
from importlib.resources import files
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, validators

from cxrspec.compiler.catalog import shipped
from cxrspec.compiler.conforms import KEYWORDS, conforms
from cxrspec.compiler.data import is_list, is_mapping
from cxrspec.compiler.declarations import KINDS
from cxrspec.compiler.diagnostics import Report
from cxrspec.compiler.document import load

from ..case_files import packaged

SCALARS = st.sampled_from(
    [None, True, False, 0, 1, 1.0, 2, -1, 0.5, math.nan, "", "a", "a b", "yes", "train", "labels", "text", "none"]
)
KEYS = st.sampled_from(
    ["kind", "type", "values", "else", "where", "split", "format", "ratio", "1", "a-b", "name", "at"]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=5,
)


def schema(kind: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((files("cxrspec.grammars") / f"{kind}.schema.json").read_text("utf-8"))
    return read


@cache
def extended() -> Any:
    """jsonschema's class of validators, with whole numbers written without a point."""

    def whole(_: object, value: object) -> bool:
        return type(value) is int

    checker = Draft7Validator.TYPE_CHECKER.redefine("integer", whole)
    return cast(Any, validators).extend(Draft7Validator, type_checker=checker)


@cache
def oracle(kind: str) -> Any:
    return extended()(schema(kind))


@cache
def documents() -> list[Any]:
    found = [load(file.text, file.path, Report()) for file in (*shipped(), *packaged())]
    return [document.value for document in found if document is not None]


@st.composite
def spoilt(draw: st.DrawFn) -> Any:
    """A file of what ships, with a few values changed, gone or added."""
    value = copy.deepcopy(draw(st.sampled_from(documents())))
    for _ in range(draw(st.integers(0, 3))):
        spoil(draw, value)
    return value


def spoil(draw: st.DrawFn, value: Any) -> None:
    """Change something in a mapping or list, at any depth."""
    if not value:
        return
    at: Any = draw(st.sampled_from(sorted(value) if is_mapping(value) else range(len(value))))
    inner = value[at]
    if (is_mapping(inner) or is_list(inner)) and draw(st.booleans()):
        spoil(draw, inner)
        return
    match draw(st.sampled_from(["replace", "delete", "add"])):
        case "replace":
            value[at] = draw(VALUES)
        case "delete":
            del value[at]
        case _ if is_list(value):
            value.append(draw(VALUES))
        case _:
            value[draw(KEYS)] = draw(VALUES)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=spoilt() | VALUES, kind=st.sampled_from(KINDS), own=st.booleans())
def test_quick_answer_is_that_of_jsonschema(value: Any, kind: str, own: bool) -> None:
    said = value.get("kind") if is_mapping(value) else None
    kind = said if own and said in KINDS else kind
    one = schema(kind)
    assert conforms(value, one, one["definitions"]) == oracle(kind).is_valid(value)


@pytest.mark.parametrize(
    "one",
    [
        *({"type": name} for name in ("string", "number", "integer", "boolean", "array", "object", "null")),
        {"type": ["integer", "array"], "minimum": 1, "minItems": 2},
        {"const": True},
        {"enum": ["a", False, 1]},
        {"pattern": "^a"},
        {"minLength": 1},
        {"minimum": 0.5, "maximum": 1},
        {"exclusiveMaximum": 1},
        {"minItems": 1, "maxItems": 1, "items": {"type": "string"}},
        {"minProperties": 1, "maxProperties": 1, "required": ["a"]},
        {"properties": {"a": {"type": "string"}, "b": False}, "additionalProperties": {"type": "null"}},
        {"propertyNames": {"enum": ["a"]}},
        {"if": {"type": "string"}, "then": {"const": "a"}, "else": {"minimum": 1}},
        {"if": {"type": "string"}, "then": {"const": "a"}},
        {"allOf": [{"type": "number"}, {"minimum": 1}]},
        {"anyOf": [{"type": "string"}, {"minimum": 1}]},
        {"$ref": "#/definitions/one", "type": "string", "definitions": {"one": {"type": "null"}}},
    ],
    ids=str,
)
def test_keyword_means_what_it_means_to_jsonschema(one: dict[str, Any]) -> None:
    """`1` and `1.0` are left to the schemas: none of them lists a number."""
    scalars = (None, True, False, 0, 1, 0.5, 2, -1, math.nan, math.inf, "", "a", "ba")
    small: tuple[Any, ...] = (
        [],
        [1],
        ["a"],
        ["a", "b"],
        {},
        {"a": "a"},
        {"a": 1},
        {"b": 1},
        {"c": None},
        {"a": "a", "c": "a"},
    )
    for value in (*scalars, *small):
        assert conforms(value, one, one.get("definitions", {})) == extended()(one).is_valid(value), value


@pytest.mark.parametrize("kind", KINDS)
def test_every_keyword_of_the_schemas_is_known(kind: str) -> None:
    meant = {key for part in parts(schema(kind)) for key in part} & {*Draft7Validator.VALIDATORS}
    assert meant <= KEYWORDS


def parts(one: dict[str, Any]) -> list[dict[str, Any]]:
    """A schema and all schemas in it."""
    inner: list[Any] = [
        one.get(key) for key in ("additionalProperties", "propertyNames", "items", "if", "then", "else")
    ]
    for key in ("properties", "definitions"):
        inner += one.get(key, {}).values()
    for key in ("allOf", "anyOf"):
        inner += one.get(key, [])
    return [one, *(part for below in inner if is_mapping(below) for part in parts(below))]
