"""Every code of a finding: one row each, `code: title`. docs/errors/<code>.md holds the explanation.

    0xx  the file as YAML                     4xx  tables, steps, keys, identity, splits
    1xx  the text of expressions and prompts  5xx  tasks, prompts, answers
    2xx  names                                6xx  data: sources and files
    3xx  types and nulls                      7xx  data: rows
                                              8xx  the run and its output
                                              9xx  our own fault
"""

from __future__ import annotations

CODES: dict[str, str] = {
    "CXR001": "not readable as YAML",
    "CXR002": "the same key twice",
    "CXR003": "anchors, aliases and tags are not part of the language",
    "CXR004": "more than one document in a file",
    "CXR005": "nested too deeply",
    "CXR006": "unknown kind of file",
    "CXR007": "unknown key",
    "CXR008": "missing key",
    "CXR009": "a value of the wrong form",
    "CXR010": "a comma ended the expression",
    "CXR011": "a `#` cut the expression",
    "CXR012": "a list or mapping where an expression belongs",
    "CXR013": "not readable as text",
    "CXR101": "an expression that does not parse",
    "CXR102": "a prompt that does not parse",
    "CXR103": "a type that does not parse",
    "CXR104": "a group with one alternative",
    "CXR105": "an unknown escape",
    "CXR106": "a weight that is no whole number above zero",
    "CXR107": "an empty alternative",
    "CXR205": "an unknown prompt rule",
    "CXR206": "a prompt rule that contains itself",
    "CXR601": "a damaged archive or compressed file",
    "CXR602": "a file that cannot be opened",
    "CXR603": "the files of a table are absent",
    "CXR604": "an archive whose members are not clear",
    "CXR605": "not in the declared encoding",
    "CXR606": "an empty file",
    "CXR607": "a file without rows",
    "CXR608": "broken JSON or XML",
    "CXR609": "JSON or XML of another shape",
    "CXR610": "a column that the files do not have",
    "CXR611": "a reader that does not exist",
    "CXR612": "a column name twice in a header",
    "CXR613": "a place that does not parse",
    "CXR701": "cells that are not of the column's type",
    "CXR702": "null in a column without `| null`",
    "CXR703": "cells that `values` does not list",
    "CXR704": "records with too few or too many fields",
    "CXR705": "a stray or unclosed quote",
    "CXR706": "a key that repeats",
    "CXR707": "null in a key",
    "CXR801": "another run writes the same folder",
    "CXR802": "a folder that is not an output of cxrspec",
    "CXR803": "an output folder that cannot be written",
    "CXR804": "no space left",
    "CXR805": "a setting that is not understood",
    "CXR806": "an output that does not read",
    "CXR807": "an unknown output format",
    "CXR808": "a table of published figures that does not read",
}
