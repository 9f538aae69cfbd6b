"""README.md of an output: the data card, with the header that the Hugging Face hub and `datasets` read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, cast

import yaml

from cxrspec.runtime.manifest import Manifest, Spec, in_words
from cxrspec.runtime.stats import CORPUS, Figures, Stats, Title, differences, markdown, reasons, table, title

_HUB_SPLITS = {"train": "train", "val": "validation", "test": "test"}
_SIZES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B")


def card(
    manifest: Manifest,
    stats: Stats,
    against: Mapping[Title, Figures],
    prompts: Sequence[tuple[str, str, int, int]] = (),
) -> str:
    """The text of README.md: header, the two tables, differences to the published table `against`, provenance.

    `prompts` has a row for each form of a task: task, form, how many prompts it has, how many of them an example gets.
    """
    dump: Callable[..., str] = cast(Any, yaml).safe_dump  # its stubs are typed in part
    header = dump(_header(manifest, stats), sort_keys=False, allow_unicode=True)
    parts = [
        f"---\n{header}---",
        markdown(stats, against),
        _how(manifest),
        _prompts(manifest, prompts),
        _splits(manifest, stats),
        differences(stats, against, reasons(manifest)),
        _attrition(manifest),
        _terms(manifest),
        _citations(manifest),
        _not_made(manifest),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _header(manifest: Manifest, stats: Stats) -> dict[str, Any]:
    rows, images = sum(stats.total[:3]), sum(stats.total[3:6])
    return {
        "pretty_name": CORPUS,
        "language": ["en"],
        "license": "other",
        "license_name": "terms-of-the-sources",
        "tags": ["chest-x-ray", "medical", "radiology"],
        "task_categories": ["image-text-to-text" if images else "text-generation"],
        "size_categories": [_size(rows)],
        "configs": [config for spec in manifest.specs if (config := _config(spec))["data_files"]],
    }


def _config(spec: Spec) -> dict[str, Any]:
    """One part that can be loaded by name; a split without rows has no file and no entry."""
    paths = [PurePosixPath(file.path) for file in spec.files]
    patterns = [
        {"split": hub, "path": str(pattern)}
        for split, hub in _HUB_SPLITS.items()
        for pattern in sorted({p.with_name(f"{split}-*{p.suffix}") for p in paths if p.name.startswith(f"{split}-")})
    ]
    return {"config_name": spec.name.replace("/", "--"), "data_files": patterns}


def _size(rows: int) -> str:
    """The hub's word for so many rows.

    >>> _size(999), _size(1_000), _size(4_651_872)
    ('n<1K', '1K<n<10K', '1M<n<10M')
    """
    steps = sum(rows >= 10**power for power in range(3, 9))
    return _SIZES[steps]


def _how(manifest: Manifest) -> str:
    versions = manifest.versions
    rule = "correct and leak-free" if manifest.mode == "default" else "as published, known defects included"
    return "\n\n".join(
        (
            "## How it was made",
            "cxrspec lowered one spec per task and source to a query over local copies of the sources. "
            "manifest.json names every file that was read and written, with its sha256. "
            "The turns of an example are independent alternatives, not a conversation, unless the task says so.",
            table(
                ["", "Value"],
                [
                    ["rules", f"{manifest.mode}: {rule}"],
                    ["data", "made up (--demo)" if manifest.demo else "local copies of the sources"],
                    ["seed", str(manifest.seed)],
                    ["limit", "none" if manifest.limit is None else f"{manifest.limit:,} examples a spec"],
                    ["formats", ", ".join((manifest.emit, *manifest.others))],
                    ["boxes", f"printed as {manifest.boxes}, exact in the column `boxes`"],
                    ["cxrspec", versions.cxrspec],
                    ["polars", versions.polars],
                    ["polars-hash", versions.polars_hash],
                    ["python", versions.python],
                ],
            ),
        )
    )


def _prompts(manifest: Manifest, prompts: Sequence[tuple[str, str, int, int]]) -> str:
    parts: list[str] = []
    if prompts:
        rows = [[task, form, f"{number:,}", str(count)] for task, form, number, count in prompts]
        parts += ["Each form of a task has so many prompts, of which one is drawn for a turn:"]
        parts += [table(["task", "form", "prompts", "turns of an example"], rows)]
    told = [[spec.name, spec.leak] for spec in manifest.specs if spec.leak]
    if told:
        parts += ["Prompts that print what the answer says:", table(["", "why"], told)]
    return "\n\n".join(("## Prompts", *parts)) if parts else ""


def _splits(manifest: Manifest, stats: Stats) -> str:
    found = [(spec.name, stats.unlinked.get(title(spec), 0)) for spec in manifest.specs]
    rows = [[name, f"{unlinked:,}"] for name, unlinked in found if unlinked]
    proved = "No patient and no study stands on two sides of a split within a space of patients."
    rebuilt = "Splits are those that were published, defects included: a patient may stand on two sides."
    parts = ["## Splits", proved if manifest.mode == "default" else rebuilt]
    spaces = {(a.space, a.split, "yes" if a.inputs else "no") for spec in manifest.specs for a in spec.authorities}
    if spaces:
        parts += ["These spaces have one split for all sources; an authority without files said nothing:"]
        parts += [table(["space", "authority", "files"], [list(row) for row in sorted(spaces)])]
    own = [[spec.name, spec.own_split] for spec in manifest.specs if spec.own_split]
    if own:
        parts += ["Left out of this, since their split is not that of their space:", table(["", "why"], own)]
    if rows:
        parts += ["Where no patient id was released, only the study could be looked at:"]
        parts += [table(["", "examples without a patient"], rows)]
    return "\n\n".join(parts)


def _attrition(manifest: Manifest) -> str:
    """A funnel for every spec: what each join and filter let through."""
    parts = ["## Attrition"]
    for spec in manifest.specs:
        steps = [
            [step.relation, step.step, f"{step.rows_in:,}", f"{step.rows_out:,}", f"{step.rows_in - step.rows_out:,}"]
            for step in spec.attrition
        ]
        if steps:
            parts.append(f"### {spec.name}")
            parts.append(table(["relation", "step", "rows in", "rows out", "dropped"], steps))
    return "\n\n".join(parts) if len(parts) > 1 else ""


def _terms(manifest: Manifest) -> str:
    sources = [[s.name, s.title, s.license, s.homepage, in_words(s.use)] for s in manifest.sources]
    specs = [[spec.name, in_words(spec.terms)] for spec in manifest.specs]
    return "\n\n".join(
        (
            "## Terms of use",
            "Every part is bound by the terms of all the sources that it was made from.",
            table(["source", "title", "license", "homepage", "terms"], sources),
            table(["", "terms"], specs),
        )
    )


def _citations(manifest: Manifest) -> str:
    """The works to cite for all that the output was made from; each once, though several sources may ask for it."""
    works = dict.fromkeys(work for source in manifest.sources for work in source.cite)
    return "\n\n".join(("## Citations", "\n".join(f"- {work}" for work in works))) if works else ""


def _not_made(manifest: Manifest) -> str:
    lines = [f"- {spec.name}: stopped by {', '.join(spec.codes)}" for spec in manifest.failed]
    lines += [f"- {spec.name}: {spec.reason}" for spec in manifest.unavailable]
    return "\n\n".join(("## Not in this corpus", "\n".join(lines))) if lines else ""
