"""Made-up expressions that are well typed over `COLUMNS`, and rows to run them on.

An expression is made from its type downwards: a template of the type wanted is drawn, and its holes are filled in the
same way. A hole `{text}` may be null if the whole may be null, `{text!}` never is, `{text?}` may always be; `{int@text}`
speaks of `it`, a text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from ..evaluating import LABELS, type_of

COLUMNS = {
    "t": "text | null",
    "u": "text",
    "i": "int | null",
    "j": "int",
    "f": "float | null",
    "g": "float",
    "b": "bool",
    "q": "split",
    "l": "list of text",
    "k": "list of text | null",
    "m": "list of (text | null)",
    "li": "list of int",
    "mi": "list of (int | null)",
    "lf": "list of float",
    "ll": "list of list of text",
    "r": "record(a text, b int | null)",
    "v": "labels",
    "w": "labels | null",
    "rs": "list of record(a text, b int | null)",
    "x": "box | null",
    "y": "box",
    "bs": "list of box",
    "nb": "list of (box | null)",
}
TYPES = {name: type_of(text) for name, text in COLUMNS.items()}

# What the holes of templates are called.
NAMES = {
    "text": "text",
    "int": "int",
    "float": "float",
    "bool": "bool",
    "split": "split",
    "labels": "labels",
    "texts": "list of text",
    "holes": "list of (text | null)",
    "ints": "list of int",
    "gaps": "list of (int | null)",
    "floats": "list of float",
    "lists": "list of list of text",
    "record": "record(a text, b int | null)",
    "records": "list of record(a text, b int | null)",
    "box": "box",
    "boxes": "list of box",
    "spots": "list of (box | null)",
}

LITERALS = {
    "text": ['""', '"a"', '"é b"', '"12"', 'r"\\d"', 'f""', '"A,b"'],
    "int": ["0", "1", "-2", "limit", "9223372036854775807"],
    "float": ["0.5", "-2.0", "0.0"],
    "bool": ["true", "false"],
    "texts": ['["a", "é"]', "views", '["a"]'],
    "ints": ["[1, -2]", "[3]"],
    "floats": ["[0.5]", "[1, -2.0]"],
    "box": ["box(1, 2, 3, 4, 5, 6)"],
    "lists": ["[[]]", '[["a"], []]'],
}

# Expressions that are null only if a hole is.
PLAIN = {
    "text": """lower({text}); capitalize({text}); strip({text}); squeeze({text}); replace({text}, "a", "bb"); {record}.a;
        text({int}); text({float}); text({split!}); text(image({text})); head({text}, {int}); tail({text}, {int});
        digest({text}); digest({text}, {text}); join({texts}, ", "); f"<{{text}}>{{int}}"; f"{{float}}{{split!}}";
        join(each({texts}, {text!@text}), ""); join(unique({texts}), "-")""",
    "int": """size({texts}); size({lists}); size({records}); size({gaps}); size(where({holes}, {bool@text?}));
        int({text}); {int} + {int}; {int} * {int}; -{int}; {int} - {int}; {int} % 7; {int} % -2;
        {box}.width; size({boxes}); size({spots})""",
    "float": "{int} / 2; {float} + {int}; {float} * {float}; {float} - 0.5; -{float}; {float} % 2; {int} % 2.5; {box}.x1; {box}.y2",
    "bool": """contains({text!}, {text!}); contains_any({text!}, ["a", ""]); contains_any({text!}, []); {bool} and {bool};
        {bool} or {bool}; not {bool}; {text!} == {text!}; {int!} < {float!}; {int!} >= {int!}; {texts!} != {texts!};
        {text?} in {texts!}; {text?} in {holes!}; {int?} not in {ints!}; {float?} in {ints!}; {texts!} in {lists!};
        {text?} is null; {texts?} is not null; {split!} == "train"; {split!} in ["val", "test"]; {record?} is null;
        {text!} < {text!}; {float!} > {float!}; chance(0.25); {bool} == {bool}; {holes!} == {holes!}; {texts!} == [];
        [] in {lists!}; {box!} == {box!}; {box?} in {boxes!}; {box?} is null""",
    "texts": """split({text}, ","); literals({text}); names({labels}); positive({labels}, strict); positive({labels}, lenient);
        negative({labels}, lenient); where({texts}, {bool@text}); where({holes}, it is not null); {texts} + {texts}; {texts} + [];
        concat([], {texts}); without({texts}, {texts}); without({texts}, []); unique({texts}); present({holes});
        present({texts}); every({texts}, 2, 1); each({texts}, {text!@text}); each({ints}, {text!@int}); {texts?} ?? [];
        each({lists}, {text!@texts}); each({records}, it.a); [{text!}, {text!}]; [{text!}]; choose({texts}, {int});
        if {bool!} then {texts} else []""",
    "holes": """[{text?}, {text!}]; each({texts}, {text?@text}); each({holes}, it); {holes} + {texts}; unique({holes});
        where({holes}, {bool@text?}); each({holes}, {text?@text?}); every({holes}, 3, 0)""",
    "ints": """each({texts}, {int!@text}); numbers({text}); [{int!}, {int!}]; each({lists}, size(it)); present({gaps});
        {ints} + {ints}; unique({ints}); where({ints}, {bool@int}); each({ints}, {int!@int})""",
    "gaps": "[{int?}, {int!}]; each({texts}, int?(it)); each({records}, it.b); each({lists}, {int?@texts}); {gaps} + {ints}",
    "floats": "[{float!}, {int!}]; each({ints}, it / 2); {floats} + {ints}; each({ints}, {float!@int}); [0.5] + {floats}",
    "lists": """[{texts!}, {texts!}]; [[], {texts!}]; each({texts}, [it, it]); each({lists}, {texts!@texts}); unique({lists});
        where({lists}, {bool@texts}); {lists} + {lists}; each({texts}, {texts!@text}); decoys({texts}, {texts}, 2)""",
    "record": "record(a = {text!}, b = {int?})",
    "box": """box({float}, {int}, {float}, {float}, {int}, {int}); box_xywh({int}, {int}, {float}, {int}, {int}, {int});
        if {bool!} then {box} else {box}; record(a = {box!}).a""",
    "boxes": """[{box!}, {box!}]; [{box!}]; {boxes} + {boxes}; present({spots}); where({boxes}, it.x1 < 0.5); unique({boxes});
        each({ints}, box(it, 1, 9, 2.5, 3, 4)); each({boxes}, it); where({spots}, it is not null); every({boxes}, 2, 1)""",
    "spots": "[{box?}, {box!}]; each({texts}, rle_box(it, 2, 3)); {spots} + {boxes}; unique({spots})",
    "records": """[{record!}, {record!}]; [{record!}]; {records} + {records}; where({records}, it.b is null);
        each({texts}, record(a = it, b = int?(it)))""",
}

# Expressions that may be null whatever their holes are.
NULLABLE = {
    "text": """nonempty({text}); section({text}, ["A", "B C"]); last_paragraph({text}); part({text}, ",", {int}); match({text}, r"(\\d+|a)"); first({texts}); {texts}[{int!}];
        {holes}[0]; first({holes}); choose({texts}); first({records}).a""",
    "int": """int?({text}); first({ints}); least({ints}); most({gaps}); index({texts}, {text}); index({holes}, {text});
        {int} % {int}; {gaps}[-1]; {record}.b; index({boxes}, {box}); {spots}[0].height""",
    "float": "{int} / {int}; {float} / {float}; {float} % {float}; least({floats}); most({floats}); {floats}[{int!}]",
    "texts": "{lists}[{int!}]; first({lists})",
    "record": "{records}[0]; first({records})",
    # Polars cannot stretch what is made of a mask that is written out over no rows; masks stand in files.
    "box": """rle_box(if u == "" then {text} else u, {int}, {int}); {boxes}[{int!}]; first({spots})""",
}

DRAWS = re.compile(r"chance\(|choose\(|decoys\(")
HOLE = re.compile(r"\{(\w+)([!?]?)(?:@(\w+)(\??))?\}")


def templates(name: str, null: bool, beside_it: bool) -> list[str]:
    """The templates of a type; beside `it` nothing is drawn, and no split and no labels can be named."""
    found = [PLAIN.get(name, ""), NULLABLE.get(name, "") if null else ""]
    general = [f"if {{bool!}} then {{{name}}} else {{{name}}}", f"{{{name}?}} ?? {{{name}}}", f"must({{{name}?}})"]
    every = [template for lines in found for template in re.split(r";\s*", lines) if template] + general
    return [t for t in every if not (beside_it and (DRAWS.search(t) or "{split" in t or "{labels" in t))]


@st.composite
def expressions_of(draw: st.DrawFn, name: str, null: bool, depth: int = 3, names: Mapping[str, str] = COLUMNS) -> str:
    """The text of an expression of the type that `NAMES` calls `name`, null only if `null`, over `names`."""
    wanted = (NAMES[name], f"{NAMES[name]} | null") if null else (NAMES[name],)
    leaves = [column for column, type in names.items() if type in wanted] + LITERALS.get(name, [])
    if leaves and (depth <= 0 or draw(st.integers(0, 3)) == 0):
        return draw(st.sampled_from(leaves))
    found = templates(name, null, names is not COLUMNS)
    template = draw(st.sampled_from(found if depth > 0 else found[:1]))

    def filled(hole: re.Match[str]) -> str:
        may_be_null = null if not hole[2] else hole[2] == "?"
        it = {"it": NAMES[hole[3]] + (" | null" if hole[4] else "")} if hole[3] else names
        return draw(expressions_of(hole[1], may_be_null, depth - 1, it))

    return f"({HOLE.sub(filled, template)})"


# ---- rows

WORDS = ["", "0 2", "-1", "a", "A", "é", "a,b", "12", " 7 ", "aa", "x 3 y-4", "9223372036854775808", "😀", "PA"]
texts = st.sampled_from([*WORDS, "['a', 'é']", "A: x\nB  C:y\n"])
ints = st.one_of(st.integers(-3, 9), st.sampled_from([-(2**63), 2**63 - 1]))
BOX = {"x1": 0.0, "y1": 0.25, "x2": 0.75, "y2": 1.0, "width": 4, "height": 8}
floats = st.sampled_from([0.0, -0.0, 0.5, -1.5, 2.0, 1e300])


def lists(items: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(items, max_size=3)


def rows() -> st.SearchStrategy[list[dict[str, Any]]]:
    """A few rows of the table that `COLUMNS` describes, or none."""
    none = st.none()
    labels = st.fixed_dictionaries(dict.fromkeys(LABELS.names, st.sampled_from([1, 0, -1, None])))
    record = st.fixed_dictionaries({"a": texts, "b": ints | none})
    box = st.sampled_from([BOX, BOX | {"x1": 0.5}])
    cells: dict[str, st.SearchStrategy[Any]] = {
        "t": texts | none,
        "u": texts,
        "i": ints | none,
        "j": ints,
        "f": floats | none,
        "g": floats,
        "b": st.booleans(),
        "q": st.sampled_from(["train", "val", "test"]),
        "l": lists(texts),
        "k": lists(texts) | none,
        "m": lists(texts | none),
        "li": lists(ints),
        "mi": lists(ints | none),
        "lf": lists(floats),
        "ll": lists(lists(texts)),
        "r": record,
        "v": labels,
        "w": labels | none,
        "rs": lists(record),
        "x": box | none,
        "y": box,
        "bs": lists(box),
        "nb": lists(box | none),
    }
    return st.lists(st.fixed_dictionaries(cells), max_size=4)
