"""Specs by the thousand: sources, tasks and specs that differ in their names and numbers."""

from __future__ import annotations

from pathlib import Path

SOURCES = 20

SOURCE = """\
kind: source
name: source{n}
title: Source number {n}
use: {{access: open}}
license: none
homepage: https://example.org/{n}
identity: {{space: space{n}, patient: patient, study: study}}
constants:
  views: [PA, AP, LATERAL]
tables:
  rows:
    read: csv
    files: rows.csv
    key: file
    columns:
      file: text
      patient: text
      study: int
      view: text | null
      age: int | null
      labels: {{from: findings, type: text | null}}
      split: {{type: split, values: {{train: train, validate: val, test: test}}}}
  studies:
    from: rows
    steps:
      - derive:
          image: image(f"files/{{head(patient, 2)}}/{{file}}.png")
          rank: index(views, view ?? "") ?? 99
          shown: split(labels ?? "", "|")
      - group:
          by: study
          order: [rank, file]
          take: {{patient: only(patient), split: only(split), images: list(image), shown: first(shown), age: max(age)}}
splits:
  official: {{column: split}}
"""

TASK = """\
kind: task
name: Task {n}
about: Question number {n}.
inputs: {{images: list of image, shown: list of text, known: list of text, age: int}}
turns:
  - form: presence
    let:
      others: without(known, shown)
      asked: if chance(0.5) then choose(shown) ?? choose(others) else choose(others) ?? choose(shown)
    when: asked is not null
    prompt: |
      (Does|Would) (this|the given) <radiograph> show {{lower(asked)}}?[ {{options}}]
      Is there (any sign|evidence) of {{lower(asked)}} in (this|the given) <radiograph>?[ {{options}}]
      (Examine|Read) (this|the given) <radiograph> of a patient of {{age}} years: is there {{lower(asked)}}?
    answer:
      format: choice
      options: '["Yes", "No"]'
      correct: if asked in shown then "Yes" else "No"
  - form: select
    when: size(shown) >= {least}
    prompt: |
      (Which|What) (findings|abnormalities) (are visible|can be seen) in (this|the given) <radiograph>? {{options}}
      (Select|Pick) every finding that (this|the given) <radiograph> shows. {{options}}
    answer: {{format: choices, options: known, correct: shown, markers: [letters, numbers]}}
"""

SPEC = """\
kind: spec
task: task_{task}
source: source{source}
from: studies
where:
  adult: age is not null and age >= {age}
key: study
bind:
  known: '["edema", "effusion", "nodule", "number {task}"]'
split: official
"""


def write_specs(folder: Path, specs: int) -> None:
    """Write `specs` specs over 20 sources and as many tasks as it takes."""
    folder.mkdir()
    tasks = -(-specs // SOURCES)
    for n in range(SOURCES):
        (folder / f"source{n}.yaml").write_text(SOURCE.format(n=n), "utf-8")
    for n in range(tasks):
        (folder / f"task{n}.yaml").write_text(TASK.format(n=n, least=1 + n % 3), "utf-8")
    for n in range(specs):
        task, source = divmod(n, SOURCES)
        text = SPEC.format(task=task, source=source, age=18 + n % 5)
        (folder / f"spec{n}.yaml").write_text(text, "utf-8")
