"""What `cxrspec diff` prints: the changes of specs as text, JSON or Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from cxrspec.compiler.difference import Change, Difference
from cxrspec.compiler.pipeline import Compilation

NAMED = 3  # specs that are named before the others are counted


def as_text(found: Difference, before: Compilation, after: Compilation, since: str) -> str:
    """Changes by what they do, each with its place and the specs it touches; the last line sums up."""
    lines: list[str] = []
    for heading, changes in _by_heading(found):
        lines.append(heading)
        for change in changes:
            lines.append(f"  {_place(change, before, after)}: {change.what}")
            lines += [f"    {named}"] if (named := _named(change)) else []
        lines.append("")
    lines += [f"{line}\n" for line in _errors(found, before, after, since)]
    return "\n".join([*lines, _summary(found, after, since)]) + "\n"


def as_markdown(found: Difference, before: Compilation, after: Compilation, since: str) -> str:
    """The same for a comment on a pull request; long lists of specs are folded."""
    lines = [f"### cxrspec: {_summary(found, after, f'`{since}`')}", ""]
    for heading, changes in _by_heading(found):
        lines += [f"**{heading}**", ""]
        for change in changes:
            lines.append(f"- `{_place(change, before, after)}` {change.what}")
            if len(change.specs) > NAMED:
                specs = ", ".join(f"`{name}`" for name in change.specs)
                lines += [f"  <details><summary>{len(change.specs)} specs</summary>", "", f"  {specs}", "  </details>"]
            elif named := _named(change):
                lines.append(f"  ({named})")
        lines.append("")
    lines += [f"{line}\n" for line in _errors(found, before, after, since)]
    return "\n".join(lines).rstrip("\n") + "\n"


def as_json(found: Difference, before: Compilation, after: Compilation, since: str) -> str:
    """All that is known: `specs` has the categories of each spec that is touched."""
    changes = [
        {
            "category": change.category,
            "way": change.way,
            "heading": change.heading,
            "what": change.what,
            "file": change.place.file if change.place is not None else None,
            "line": _line(change, before, after),
            "specs": list(change.specs),
        }
        for change in found.changes
    ]
    data = {"since": since, "specs": found.specs, "changes": changes, "unknown": list(found.unknown)}
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def _by_heading(found: Difference) -> Iterator[tuple[str, list[Change]]]:
    for heading, changes in groupby(found.changes, lambda change: change.heading):
        yield heading, list(changes)


def _place(change: Change, before: Compilation, after: Compilation) -> str:
    return f"{change.place.file}:{_line(change, before, after)}" if change.place is not None else "specs"


def _line(change: Change, before: Compilation, after: Compilation) -> int | None:
    """The line of a change, from 1."""
    texts: Mapping[str, str] = before.texts if change.old else after.texts
    return texts[change.place.file].count("\n", 0, change.place.start) + 1 if change.place is not None else None


def _named(change: Change) -> str:
    """The specs of a change, unless it speaks of the only one itself."""
    if not change.specs:
        return "no output is bound otherwise" if change.category == "terms" else ""
    return "" if len(change.specs) == 1 and f"`{change.specs[0]}`" in change.what else _listed(change.specs)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _errors(found: Difference, before: Compilation, after: Compilation, since: str) -> Iterator[str]:
    """On which side there are errors, and what cannot be compared for them."""
    for side, when in ((before, f"at {since}"), (after, "now")):
        broken = [name for name in found.unknown if side.specs[name].plan is None]
        if side.errors:
            named = f"; not compared: {_listed(broken)}" if broken else ""
            yield f"{side.errors} {'error' if side.errors == 1 else 'errors'} {when}{named}"


def _summary(found: Difference, after: Compilation, since: str) -> str:
    touched = {change for change in found.changes if change.category != "description"}
    specs = {name for change in touched for name in change.specs}
    if not found.changes:
        rest = len(after.specs) - len(found.unknown)
        return f"no change since {since}" + (f" in the {rest} specs that can be compared" if found.unknown else "")
    if not specs:
        return f"no spec makes other examples than at {since}"
    return f"{len(specs)} of {len(after.specs)} specs {'is' if len(specs) == 1 else 'are'} touched since {since}"
