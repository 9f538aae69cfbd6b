"""REPLIES: what a model answered, read by the answer formats of a spec and held against the turns of an output."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cxrspec.compiler import plan as p
from cxrspec.compiler.answers import Boxed, Said, parse, shown_by
from cxrspec.compiler.data import is_mapping
from cxrspec.compiler.diagnostics import DataPlace, Diagnostic
from cxrspec.compiler.dialects import DIALECTS, Dialect
from cxrspec.compiler.pipeline import Compilation
from cxrspec.compiler.serial import fingerprint
from cxrspec.runtime.again import planned, recipe
from cxrspec.runtime.examples import Output
from cxrspec.runtime.output import OutputError
from cxrspec.runtime.scores import Scores, Tally, format_of

SHOWN = 5
"""Lines that a message names."""

ANY_SIZE = (10**9, 10**9)
"""Where the size of an image is not known: the IoU of boxes in pixels does not hang on it."""


@dataclass(slots=True)
class Scored:
    """The replies to the turns of a spec. `forms` are in the order of the task."""

    forms: dict[str, Scores]
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])


@dataclass(frozen=True, slots=True)
class Row:
    """One turn with its reply, as it was read: `truth` and `said` in the answer's format, None where nothing is said."""

    id: str
    form: str
    reply: str | None
    truth: Said
    said: Said | None
    exact: bool

    def data(self) -> dict[str, Any]:
        """The same as plain JSON data."""
        return {
            "id": self.id,
            "form": self.form,
            "reply": self.reply,
            "said": _data(self.said),
            "truth": _data(self.truth),
            "exact": self.exact,
        }


def score(
    output: Output,
    compilation: Compilation,
    name: str,
    replies: Path,
    split: str | None = None,
    tell: Callable[[Row], object] = lambda _: None,
) -> Scored:
    """Hold replies against the turns of a spec, or of one of its splits; each row is told to `tell`.

    Raises:
        OutputError: CXR821, the output holds no such spec; CXR822, the spec does not compile now, or its answers are in
            other formats than it says now.
        OSError: the replies cannot be read.
    """
    entry = output.spec(name)
    readers, found = _readers(output, compilation, name)
    given = _Given(replies)
    scored = Scored({form: Scores(reader.format) for form, reader in readers.items()}, found)
    examples = output.scan(entry).select("id", "split", "sizes", "turns").collect()
    for row in examples.iter_rows(named=True):
        size = (row["sizes"][0]["width"], row["sizes"][0]["height"]) if row["sizes"] else ANY_SIZE
        for number, turn in enumerate(row["turns"]):
            reply = given.take(row["id"], number)
            if split not in (None, row["split"]):
                continue
            reader = readers.get(turn["form"])
            truth = reader.read(turn["prompt"], turn["answer"], size) if reader is not None else None
            if reader is None or truth is None:
                message = f"the answers of `{name}` are not in the formats that its forms have now"
                raise OutputError("CXR822", message, "a run makes it anew")
            scores = scored.forms[turn["form"]]
            said = None if reply is None else reader.read(turn["prompt"], reply, size)
            scores.missing += reply is None
            scores.unreadable += reply is not None and said is None
            tell(Row(f"{row['id']}#{number}", turn["form"], reply, truth, said, scores.add(truth, said)))
    scored.diagnostics += given.diagnostics()
    if missing := sum(one.missing for one in scored.forms.values()):
        turns = sum(one.turns for one in scored.forms.values())
        message = f"{missing:,} of {_count(turns, 'turn')} without a reply"
        help = "they count as answered wrongly; `--split` takes the turns of one split"
        scored.diagnostics.append(Diagnostic("CXR825", "warning", message, DataPlace(str(replies)), help=(help,)))
    return scored


# ---- the formats of a spec


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the replies to a form: by its format, its dialect of boxes and the options that a prompt shows."""

    form: p.Form
    dialect: Dialect
    shown: Callable[[str], tuple[str, ...]]

    @property
    def format(self) -> str:
        return format_of(self.form.answer)

    def read(self, prompt: str, reply: str, size: tuple[int, int]) -> Said | None:
        """What a reply says; white space at its ends is left out where it says nothing with it."""
        shown = self.shown(prompt) or None
        said = parse(self.form.answer, reply, shown, self.dialect, size)
        return parse(self.form.answer, reply.strip(), shown, self.dialect, size) if said is None else said


def _readers(output: Output, compilation: Compilation, name: str) -> tuple[dict[str, _Reader], list[Diagnostic]]:
    """A reader for each form of a spec, and a warning where its rules are others now than when it was made."""
    entry, spec = output.spec(name), compilation.specs.get(name)
    plan = None if spec is None else planned(recipe(entry, output.made), spec)
    if plan is None:
        message = f"`{name}` does not compile now, and says nothing of the format of its answers"
        raise OutputError("CXR822", message, "`--specs` names a folder of specs")
    found: list[Diagnostic] = []
    if fingerprint(plan) != entry.plan:
        message = "its rules are others now, and so may be the format of its answers"
        found = [Diagnostic("CXR822", "warning", message, help=("a run makes it anew",), spec=name)]
    forms = [form for node in plan.relations[-1].nodes if isinstance(node, p.Turns) for form in node.forms]
    dialect = DIALECTS[output.made.boxes]
    readers = {form.name: _Reader(form, dialect, shown_by(form)) for form in forms}
    return readers, found


# ---- the file of replies


class _Given:
    """The replies of a file by their ids, with their lines; each is taken once, by the turn that it belongs to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.replies: dict[str, tuple[int, str]] = {}
        self.unreadable: list[int] = []
        self.double: list[int] = []
        for line, id, reply in _lines(path):
            if id is None or reply is None:
                self.unreadable.append(line)
            elif id in self.replies:
                self.double.append(line)
            else:
                self.replies[id] = line, reply

    def take(self, id: str, number: int) -> str | None:
        """The reply to a turn of an example, the first of several; None if there is none."""
        names = (f"{id}#{number}",) if number else (f"{id}#0", id)
        found = sorted(self.replies.pop(name) for name in names if name in self.replies)
        self.double += [line for line, _ in found[1:]]
        return found[0][1] if found else None

    def diagnostics(self) -> Iterator[Diagnostic]:
        """What there is to say of the file once every turn has taken its reply."""
        strange = [line for line, _ in self.replies.values()]
        shape = '`{"id": ..., "reply": ...}`'
        for code, lines, what, help in (
            ("CXR824", self.unreadable, f"{_count(len(self.unreadable), 'line')} not readable as {shape}", ""),
            (
                "CXR825",
                strange,
                f"{_count(len(strange), 'reply', 'replies')} to no turn of the spec",
                "an id is `<example id>#<n>`, with the number of the turn, from 0",
            ),
            (
                "CXR825",
                self.double,
                f"{_count(len(self.double), 'more reply', 'more replies')} to turns that have one",
                "the first reply to a turn counts",
            ),
        ):
            if lines:
                first = f"the first lines are {', '.join(map(str, sorted(lines)[:SHOWN]))}" if len(lines) > 1 else ""
                place = DataPlace(str(self.path), line=min(lines))
                yield Diagnostic(code, "error", what, place, help=tuple(filter(None, (first, help))))


def _count(number: int, what: str, more: str = "") -> str:
    return f"{number:,} {what if number == 1 else more or what + 's'}"


def _lines(path: Path) -> Iterator[tuple[int, str | None, str | None]]:
    """The number of each line that holds something, with its id and reply; None where it does not read."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                found: Any = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            except (ValueError, RecursionError):
                found = None
            id, reply = (found.get("id"), found.get("reply")) if is_mapping(found) else (None, None)
            sound = isinstance(id, str) and isinstance(reply, str)
            yield (number, id, reply) if sound else (number, None, None)


# ---- as data


def _data(said: Said | None) -> Any:
    """What is said as JSON data: a text, or a list of texts, boxes or pairs."""
    if said is None or isinstance(said, str):
        return said
    return [one._asdict() if isinstance(one, Boxed) else one if isinstance(one, str) else [*one] for one in said]


def data(name: str, split: str | None, scored: Scored) -> dict[str, Any]:
    """The scores of a spec as plain JSON data; None stands where there is nothing to measure."""
    asked = {form: one for form, one in scored.forms.items() if one.turns}
    return {"spec": name, "split": split, "forms": [_form(form, one) for form, one in asked.items()]}


def _form(name: str, scores: Scores) -> dict[str, Any]:
    micro = scores.micro
    found: dict[str, Any] = {
        "form": name,
        "format": scores.format,
        "turns": scores.turns,
        "missing": scores.missing,
        "unreadable": scores.unreadable,
        "exact": scores.exact / scores.turns if scores.turns else None,
    }
    if scores.format != "text":
        found |= {"precision": micro.precision, "recall": micro.recall, "f1": micro.f1, "macro_f1": scores.macro}
        found["labels"] = [
            {
                "label": label,
                "support": one.support,
                "precision": one.precision,
                "recall": one.recall,
                "f1": one.f1,
            }
            for label, one in by_support(scores)
        ]
    if scores.format == "boxes":
        found["iou"] = scores.iou
    return found


def by_support(scores: Scores) -> list[tuple[str, Tally]]:
    """The labels with their tallies, those that answers hold most often first."""
    return sorted(scores.labels.items(), key=lambda one: (-one[1].support, one[0]))


def tables(found: Mapping[str, Any], labels: int = 20) -> str:
    """Scores, as `data` has them, as tables of Markdown: one of all forms, and one of labels for each form."""
    from cxrspec.runtime.stats import table

    whole = ["turns", "missing", "unreadable"], ["exact", "precision", "recall", "f1", "macro_f1", "iou"]
    rows = [
        [one["form"], one["format"], *(f"{one[n]:,}" for n in whole[0]), *(_figure(one.get(n)) for n in whole[1])]
        for one in found["forms"]
    ]
    parts = [table(["form", "format", *whole[0], *(n.replace("_", " ") for n in whole[1])], rows)]
    for one in found["forms"]:
        if listed := one.get("labels"):
            rows = [
                [n["label"], f"{n['support']:,}", *(_figure(n[c]) for c in ("precision", "recall", "f1"))]
                for n in listed[:labels]
            ]
            parts.append(table([f"label of {one['form']}", "support", "precision", "recall", "f1"], rows))
            if len(listed) > labels:
                parts.append(f"and {len(listed) - labels:,} more labels, which `--format json` has")
    return "\n\n".join(parts)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
