"""CHECK, the part about licences: no source may be used more freely than each of its licences allows."""

from __future__ import annotations

from cxrspec.compiler import declarations as d
from cxrspec.compiler.declared import Declared
from cxrspec.compiler.diagnostics import Label, Report, near
from cxrspec.compiler.terms import TERMS, freer, given


def check_licenses(declared: Declared, report: Report) -> None:
    """Report licences that nobody declares (CXR434), and terms of sources that are freer than theirs (CXR433)."""
    for source in declared.sources.values():
        known: list[d.License] = []
        for name in source.license:
            found = declared.licenses.get(name.name)
            if found is not None:
                known.append(found)
            elif "licenses" not in declared.lost:
                declares = "a file of `kind: licenses` says what it allows: `licenses: {<name>: {access: open}}`"
                help = (near(name.name, declared.licenses, "licences"), declares)
                report.error("CXR434", name.span, f"unknown licence `{name.name}`", help=help)
        _check_use(source, known, report)


def _check_use(source: d.Source, licenses: list[d.License], report: Report) -> None:
    """A finding for each term that is freer than the strictest of the licences."""
    for term, word in source.use:
        allowed = {one.name: given(dict(one.allows), term) for one in licenses}
        strictest = min(licenses, key=lambda one: TERMS[term].index(allowed[one.name]), default=None)
        if strictest is not None and freer(term, word, allowed[strictest.name]):
            most = f"`{strictest.name}` allows `{term}: {allowed[strictest.name]}` at most"
            others = (Label(strictest.span, "declared here"),) if strictest.span else ()
            message = f"`{term}: {word}` is freer than the licence of `{source.name}`"
            report.error("CXR433", source.use_spans.get(term), message, others=others, help=most)
