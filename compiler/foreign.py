"""What other languages call things: functions that are here under another name, and what is not a function here.

len(labels)          ->    `size(list of T) -> int`
coalesce(x, "")      ->    `x ?? y`
"""

from __future__ import annotations

from collections.abc import Mapping

from cxrspec.compiler.functions import AGGREGATES, FUNCTIONS, Function

# Functions by what others call them, where the same arguments give the same.
SAME = {
    "contains": "includes str_contains",
    "least": "minimum min",
    "lower": "downcase lcase lowercase to_lower to_lowercase tolower",
    "most": "maximum max",
    "present": "compact drop_nulls dropna",
    "size": "cardinality len length",
    "strip": "trim",
    "text": "str string to_string tostring",
    "unique": "distinct uniq",
}
# What is written instead, by what others call it.
INSTEAD = {
    "`x ?? y` gives y where x is null": "coalesce fill_null fillna ifnull nvl",
    "`x is null` asks whether a value is missing": "is_na is_none is_null isna isnull",
    "`x is not null` asks whether a value is there": "exists is_not_null isnotnull notna notnull",
    "`x in list` asks whether a list holds a value": "is_in isin",
    "a choice is written `if condition then a else b`": "case if_else ifelse iif when",
    '`f"{x} of {y}"` puts texts together': "concat_str concat_ws format printf sprintf",
    "`head(x, n)` and `tail(x, n)` cut a text after n characters": "left right slice substr substring",
    '`match(x, r"^(...)") is not null` asks how a text begins': "starts_with startswith",
    '`match(x, r"(...)$") is not null` asks how a text ends': "ends_with endswith",
    '`match(x, r"(...)")` gives the first group of a regular expression': "extract findall regexp_extract search",
    "`each(list, ...)` goes through a list, with `it` for the item": "apply map",
    "`where(list, ...)` keeps the items of a list for which a condition on `it` holds": "filter",
    "`x[0]` is the first item of a list, `x[-1]` the last": "get last nth",
    "an order stands where it is needed: `order:` of `group`, `merge` and `lag`": "order_by sort sorted",
    "`chance(p)` and `choose(list)` draw": "rand randint random sample shuffle",
    "`digest(text)` gives 16 hex digits": "hash md5 sha1 sha256",
}
_NAMES: Mapping[str, str] = {name: meant for meant, names in SAME.items() for name in names.split()}
_WAYS: Mapping[str, str] = {name: way for way, names in INSTEAD.items() for name in names.split()}


def elsewhere(name: str) -> Function | None:
    """The function that other languages call `name`, in any case of letters.

    >>> elsewhere("toLower") is FUNCTIONS["lower"]
    True
    """
    meant = _NAMES.get(name.lower())
    return None if meant is None else FUNCTIONS[meant]


def called(name: str) -> str:
    """How a function is called that somebody wrote behind a dot; empty if there is none that `name` may mean."""
    function = FUNCTIONS.get(name) or elsewhere(name)
    if function is None:
        return instead(name)
    return f"a function stands in front of what it is given: `{function.signature}`"


def instead(name: str) -> str:
    """What is written here for the function `name` of other languages, which has no counterpart; empty if unknown."""
    if name in AGGREGATES:
        return f"`{name}` is an aggregate: it stands under `take:` of a `group` or `merge`"
    return _WAYS.get(name.lower(), "")
