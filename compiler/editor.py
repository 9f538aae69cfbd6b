"""The JSON Schemas (draft 7) of the files as editors want them: the same rules, and what a schema says to editors alone.

    x-form: a split of a source    ->    patternErrorMessage: expected a split of a source

Editors' keys (`markdownDescription`, `errorMessage`, `defaultSnippets`) are those of yaml-language-server, which VS Code's
YAML extension and other editors run; a validator passes them by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from cxrspec.compiler.declarations import KINDS
from cxrspec.compiler.schema import NAME, schema

_DRAFT = "http://json-schema.org/draft-07/schema#"
_LANGUAGE = {"x-expression": "an expression", "x-prompt": "a prompt"}


def for_editors(kind: str | None = None) -> dict[str, Any]:
    """The schema of a kind of file, or the one that picks it by what the file says for `kind:`.

    >>> for_editors("spec")["properties"]["source"]["description"]
    'The source by its name, as in `mimic_cxr`.'
    >>> for_editors()["properties"]["kind"]["enum"]
    ['source', 'task', 'spec', 'spaces', 'licenses', 'words']
    """
    if kind is not None:
        return _part(schema(kind), "#/definitions/")
    kinds = {name: _part(schema(name), f"#/definitions/{name}/definitions/") for name in KINDS}
    for found in kinds.values():
        del found["$schema"]
    # if and then, not oneOf: a file without a kind is told that alone, and one with a mistake what its kind says of it.
    picks = [
        {
            "if": _exact({"required": ["kind"], "properties": {"kind": {"const": name}}}),
            "then": {"$ref": f"#/definitions/{name}"},
        }
        for name in KINDS
    ]
    what = _described("What the file holds.") | _each([found["description"] for found in kinds.values()])
    return {
        "$schema": _DRAFT,
        "title": "cxrspec",
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": list(KINDS), **what}},
        "allOf": picks,
        "definitions": kinds,
    }


def _described(text: str) -> dict[str, str]:
    """A description, which is Markdown: editors would show its marks."""
    return {"description": text, "markdownDescription": text}


def _each(texts: Sequence[str]) -> dict[str, Sequence[str]]:
    """Descriptions of the values that a schema allows, in their order."""
    return {"enumDescriptions": texts, "markdownEnumDescriptions": texts}


def _part(node: Mapping[str, Any], definitions: str) -> dict[str, Any]:
    """A schema, whose definitions stand at the place `definitions` of the whole."""

    def part(of: Mapping[str, Any]) -> dict[str, Any]:
        return _part(of, definitions)

    made: dict[str, Any] = {}
    for key, value in node.items():
        match key:
            case "properties" | "definitions":
                made[key] = {name: part(one) for name, one in value.items()}
            case "items" | "additionalProperties" | "propertyNames" | "then" | "else" if isinstance(value, Mapping):
                made[key] = part(cast(Mapping[str, Any], value))
            case "if":
                made[key] = _exact(part(value))
            case "allOf" | "anyOf":
                made[key] = [part(one) for one in value]
            case "$ref":
                made[key] = value.replace("#/definitions/", definitions)
            case "description":
                made |= _described(value)
            case "enumDescriptions":
                made |= _each(value)
            case "pattern":
                made |= {key: value, "patternErrorMessage": f"expected {node.get('x-form', NAME)}"}
            case "x-expression" | "x-prompt":
                made["errorMessage"] = f"expected {_LANGUAGE[key]}; quotes make text of brackets"
            case "x-elsewhere" | "x-form" | "x-help":
                pass  # said with the pattern
            case "x-instead":
                others = {name: part(one) for name, one in value.items() if name not in node["properties"]}
                made |= {"allOf": [{"properties": others}]} if others else {}
            case "x-text":
                # Offered where nothing stands yet: the server does not look into `then` and `else` for that.
                made["oneOf"] = [part(value), {"not": {"type": "string"}}]
            case _:
                made[key] = value
    if "items" in made and isinstance(made.get("type"), list):  # mostly no list is written, so none is begun
        made["allOf"] = [{"items": made.pop("items")}]
    return made


def _exact(condition: dict[str, Any]) -> dict[str, Any]:
    """A condition that holds of a whole word: while somebody writes, nothing and a beginning count for a constant."""
    for value in condition.get("properties", {}).values():
        value |= {"type": "string", "pattern": f"^{value['const']}$"}
    return condition
