"""Whether a value conforms to a JSON Schema, told quickly and without a word about what is wrong.

Most files have the form of their kind; jsonschema, which says what is wrong with the others, would take longer over
them than all other passes. The keywords are those that the schemas of grammars/ use, as draft 7 has them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from cxrspec.compiler.data import is_list, is_mapping

Schema = dict[str, Any]

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),  # written without a point, as schema.py asks of jsonschema, too
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def _is(value: object, name: str) -> bool:
    return type(value) in _TYPES[name]


def _equal(value: object, other: object) -> bool:
    return type(value) is type(other) and value == other


# Keywords that look at the value alone; each speaks of values of one type and holds for all others.
_RULES: dict[str, Callable[[Any, Any], bool]] = {
    "type": lambda value, names: any(_is(value, name) for name in ([names] if isinstance(names, str) else names)),
    "const": _equal,
    "enum": lambda value, items: any(_equal(value, item) for item in items),
    "pattern": lambda value, pattern: not _is(value, "string") or re.search(pattern, value) is not None,
    "minLength": lambda value, bound: not _is(value, "string") or len(value) >= bound,
    "minimum": lambda value, bound: not _is(value, "number") or not value < bound,
    "maximum": lambda value, bound: not _is(value, "number") or not value > bound,
    "exclusiveMaximum": lambda value, bound: not _is(value, "number") or not value >= bound,
    "minItems": lambda value, bound: not is_list(value) or len(value) >= bound,
    "maxItems": lambda value, bound: not is_list(value) or len(value) <= bound,
    "minProperties": lambda value, bound: not is_mapping(value) or len(value) >= bound,
    "maxProperties": lambda value, bound: not is_mapping(value) or len(value) <= bound,
    "required": lambda value, names: not is_mapping(value) or all(name in value for name in names),
}
_NESTED = ("if", "allOf", "anyOf", "items", "propertyNames", "properties", "additionalProperties")
KEYWORDS = frozenset((*_RULES, *_NESTED, "$ref", "then", "else"))


def conforms(value: object, schema: Schema | bool, definitions: Schema) -> bool:
    """Whether `value` conforms to `schema`, as far as KEYWORDS say; `definitions` are what `$ref` names in it."""
    if isinstance(schema, bool):
        return schema
    if "$ref" in schema:  # nothing beside it counts
        return conforms(value, definitions[schema["$ref"].removeprefix("#/definitions/")], definitions)
    return all(
        _RULES[keyword](value, bound) if keyword in _RULES else _nested(value, keyword, bound, schema, definitions)
        for keyword, bound in schema.items()
    )


def _nested(value: object, keyword: str, bound: Any, schema: Schema, definitions: Schema) -> bool:
    """Whether a keyword holds that has schemas of its own; any other is for a reader."""
    match keyword:
        case "if":
            then = schema.get("then" if conforms(value, bound, definitions) else "else", True)
            return conforms(value, then, definitions)
        case "allOf":
            return all(conforms(value, one, definitions) for one in bound)
        case "anyOf":
            return any(conforms(value, one, definitions) for one in bound)
        case "items":
            return not is_list(value) or all(conforms(item, bound, definitions) for item in value)
        case "propertyNames":
            return not is_mapping(value) or all(conforms(name, bound, definitions) for name in value)
        case "properties":
            return not is_mapping(value) or all(conforms(value[n], bound[n], definitions) for n in bound.keys() & value)
        case "additionalProperties":
            known = schema.get("properties", {})
            others = [item for name, item in value.items() if name not in known] if is_mapping(value) else []
            return all(conforms(item, bound, definitions) for item in others)
        case _:
            return True
