"""CHECK, the part about what is declared and never used: columns, tables, splits, constants, functions, rules and lets.

What only the other reading uses (published, or not) is used. Nothing is said while there are errors, which may be why
something is not used, nor of what ships where there are local files.
"""

from __future__ import annotations

from collections.abc import Mapping

from cxrspec.compiler import declarations as d
from cxrspec.compiler.declared import Declared
from cxrspec.compiler.diagnostics import Report
from cxrspec.compiler.follow import Declaration, Followed, What

_CODES: Mapping[What, str] = {
    "column": "CXR440",
    "table": "CXR441",
    "split": "CXR442",
    "constant": "CXR443",
    "policy": "CXR443",
    "function": "CXR443",
    "rule": "CXR443",
    "let": "CXR443",
}
_READ = ("column", "table")


def check_unused(followed: Followed, declared: Declared, report: Report) -> None:
    """Report what is declared and never used (CXR440 to CXR443), in sources that a spec reaches, in tasks and in words."""
    if report.errors:
        return
    elsewhere = _elsewhere(declared)
    everywhere = frozenset(word for words in elsewhere.values() for word in words)
    for span, one in followed.declarations.items():
        reached = not one.source or one.source in followed.reached
        other = elsewhere.get(one.source, frozenset()) if one.source else everywhere
        if span.file in declared.own and reached and span not in followed.values.used and one.name not in other:
            _report(one, report)


def _report(one: Declaration, report: Report) -> None:
    code = _CODES[one.what]
    message = f"nobody {'reads' if one.what in _READ else 'uses'} the {one.what} `{one.name}`"
    help = f"leave it out, or say why it stands there: `# cxrspec: ignore[{code}] <why>`"
    report.warning(code, one.span, message, help=help)


def _elsewhere(declared: Declared) -> Mapping[str, frozenset[str]]:
    """For each source the words of the other reading, in its own file and in specs that speak of it."""
    found = {
        name: {
            word for table in source.tables.values() if isinstance(table, d.DerivedTable) for word in table.elsewhere
        }
        for name, source in declared.sources.items()
    }
    for spec in declared.specs.values():
        for name in (spec.source.name, *(spec.elsewhere & found.keys())):
            found.setdefault(name, set()).update(spec.elsewhere)
    return {name: frozenset(words) for name, words in found.items()}
