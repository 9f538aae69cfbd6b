"""The tasks that ship: their prompts are counted once more by the oracle's reader, and read for their English."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from cxrspec.compiler import prompts
from cxrspec.compiler.diagnostics import Report
from cxrspec.compiler.pipeline import Compilation
from cxrspec.compiler.show import show_expression

from . import made_up
from .oracle.prompts import Leaf, Slot, leaves, prompt

HOUSE = Path(__file__).parents[1]
PAGE = HOUSE / "docs" / "tasks.md"
HEAD = "| task | what it asks | form | answer | patterns | prompts |\n|---|---|---|---|---:|---:|\n"
WORDS: Any = yaml.safe_load((HOUSE / "specs" / "words.yaml").read_text("utf-8"))
NAMES = sorted(path.parent.name for path in HOUSE.glob("specs/tasks/*/task.yaml"))
TWO_IMAGES = {
    "difference_vqa",
    "progression_findings_generation",
    "progression_impression_generation",
    "temporal_image_classification",
}


@dataclass(frozen=True)
class Written:
    """A form as it stands in YAML."""

    task: str
    name: str
    form: Mapping[str, Any]

    @cached_property
    def leaves(self) -> list[Leaf]:
        """All texts of its prompt."""
        return leaves(prompt(self.form["prompt"], rules(self.task)))

    @property
    def answer(self) -> Mapping[str, str]:
        return dict(self.form["answer"])

    @property
    def patterns(self) -> int:
        return sum(bool(line.strip()) for line in self.form["prompt"].splitlines())


@cache
def task(name: str) -> Any:
    return yaml.safe_load((HOUSE / "specs" / "tasks" / name / "task.yaml").read_text("utf-8"))


def rules(name: str) -> dict[str, str]:
    return {**WORDS["rules"], **task(name).get("rules", {})}


def forms(name: str) -> Iterator[Written]:
    for form in task(name)["turns"]:
        yield Written(name, form["form"], form)


FORMS = [form for name in NAMES for form in forms(name)]
every_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.task}.{form.name}")


def named(leaf: Leaf) -> str:
    """A text with its slots as written."""
    return "".join(f"{{{part.text}}}" if isinstance(part, Slot) else part.text for part in leaf.parts)


def said(leaf: Leaf) -> str:
    """A text whose slots are empty braces."""
    return "".join("{}" if isinstance(part, Slot) else part.text for part in leaf.parts)


def wordings(form: Written) -> Iterator[str]:
    """Every text that a form may print of its own: prompts, and what stands for an answer of nothing."""
    yield from (said(leaf) for leaf in form.leaves)
    if "empty" in form.answer:
        yield from (said(leaf) for leaf in leaves(prompt(form.answer["empty"], rules(form.task))))


@pytest.fixture(scope="module")
def compilation() -> Compilation:
    found = made_up.load()
    assert found.diagnostics == ()
    return found


def test_every_task_is_compiled(compilation: Compilation) -> None:
    assert sorted(compilation.tasks) == NAMES


# ---- enough of them


@every_form
def test_a_form_has_eight_patterns_and_forty_prompts(form: Written) -> None:
    assert form.patterns >= 8
    assert len(form.leaves) >= 40


@every_form
def test_no_two_prompts_of_a_form_read_the_same(form: Written) -> None:
    texts = [named(leaf) for leaf in form.leaves]
    assert len(set(texts)) == len(texts)


@every_form
def test_nothing_found_is_said_in_several_ways(form: Written) -> None:
    if "empty" in form.answer:
        texts = [named(leaf) for leaf in leaves(prompt(form.answer["empty"], rules(form.task)))]
        assert len(set(texts)) == len(texts) >= 3


@every_form
def test_the_wheel_reaches_every_text(form: Written, compilation: Compilation) -> None:
    """Every alternative of the file stands on the compiler's wheel, and nothing else does."""
    declared = next(f for f in compilation.tasks[form.task].forms if f.name == form.name)
    known = compilation.words.rules | compilation.tasks[form.task].rules
    wheel = prompts.lay_out(prompts.resolve(declared.prompt, known, Report()))
    on_it = [
        "".join(way)
        for shape in wheel.shapes
        for way in product(
            *(
                part.texts if isinstance(part, prompts.Table) else ("{" + show_expression(part.expression) + "}",)
                for part in shape.parts
            )
        )
    ]
    assert sorted(on_it) == sorted(named(leaf) for leaf in form.leaves)
    assert all(shape.weight > 0 for shape in wheel.shapes)


def test_every_rule_is_used() -> None:
    files = [(HOUSE / "specs" / "words.yaml").read_text("utf-8")]
    files += [path.read_text("utf-8") for path in HOUSE.glob("specs/tasks/*/*.yaml")]
    for rule in {rule for name in NAMES for rule in rules(name)}:
        assert any(f"<{rule}>" in file for file in files), rule


@pytest.mark.parametrize("name", NAMES)
def test_every_input_is_used(name: str) -> None:
    told = task(name)
    for input in told["inputs"].keys() - {"images"}:
        assert re.search(rf"\b{input}\b", str(told["turns"])), input


# ---- their English


@every_form
def test_blanks_and_ends(form: Written) -> None:
    for text in wordings(form):
        assert not re.search(r"  | \n|\n | [,.?!:;]|\n\n|^\s|\s$", text), text
        assert re.search(r'([.?!:]|\{\}"?)$', text), text
        assert not re.search(r"[.?!,:;]{2}|\{\}\{\}", text), text


@every_form
def test_sentences_start_with_a_capital(form: Written) -> None:
    for text in wordings(form):
        assert re.match(r'"?(\{\}|[A-Z])', text), text
        assert not re.search(r"[.?!] [a-z]|\n[a-z]", text), text


@every_form
def test_articles(form: Written) -> None:
    for text in wordings(form):
        assert not re.search(r"\b[Aa] [aeiou]|\b[Aa]n [^aeiou]|\b(the|this|a|an) (the|this|a|an)\b", text), text


@every_form
def test_brackets_and_quotes_close(form: Written) -> None:
    for text in wordings(form):
        assert text.count('"') % 2 == 0, text
        assert re.fullmatch(r"[^()]*(\([^()]*\)[^()]*)*", text), text
        assert not re.search(r"[\[\]<>|\\]", text), text


@every_form
def test_it_is_said_which_image_is_the_earlier(form: Written) -> None:
    texts = [said(leaf) for leaf in form.leaves]
    if form.task in TWO_IMAGES and form.name != "current":  # which is for a row that shows the current image alone
        assert all("earlier" in text and re.search("first|in this order", text) for text in texts)
    else:
        assert not any("earlier" in text for text in texts)


# ---- their answers


@every_form
def test_no_prompt_prints_its_answer(form: Written) -> None:
    lets = form.form.get("let", {})

    def inputs(expression: str) -> set[str]:
        found = set(re.findall(r"[a-z_][a-z0-9_]*", re.sub(r'"[^"]*"|\bif\b.*?\bthen\b', "", expression)))
        found = found.union(*(inputs(lets[name]) for name in found & lets.keys()))
        return found.intersection(task(form.task)["inputs"])

    fields = [form.answer[key] for key in ("text", "correct", "boxes", "entities", "counts") if key in form.answer]
    assert fields
    slots = {part.text for leaf in form.leaves for part in leaf.parts if isinstance(part, Slot)} - {"options"}
    printed = set[str]().union(*map(inputs, slots))
    assert not printed & set[str]().union(*map(inputs, fields))


# ---- the page


def test_the_table_of_tasks_is_what_the_compiler_counts(
    compilation: Compilation, request: pytest.FixtureRequest
) -> None:
    lines: list[str] = []
    for name, declared in sorted(compilation.tasks.items()):
        known = compilation.words.rules | declared.rules
        what = f"[{declared.title}](../specs/tasks/{name}/task.yaml) | {declared.about}"
        for form in declared.forms:
            resolved = prompts.resolve(form.prompt, known, Report())
            answer = next(f.answer["format"] for f in FORMS if (f.task, f.name) == (name, form.name))
            numbers = f"{prompts.patterns(resolved):,} | {prompts.count(resolved):,}"
            lines.append(f"| {what} | `{form.name}` | `{answer}` | {numbers} |\n")
            what = " | "
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(HEAD)
    now = before + HEAD + "".join(lines) + rest[rest.index("\n\n") + 1 :]
    if request.config.getoption("--update"):
        PAGE.write_text(now, "utf-8")
    assert now == PAGE.read_text("utf-8")


def test_the_compiler_and_the_oracle_count_alike() -> None:
    table = PAGE.read_text("utf-8").partition(HEAD)[2].partition("\n\n")[0]
    found = [tuple(int(n.replace(",", "")) for n in re.findall(r"\| ([\d,]+)", line)) for line in table.splitlines()]
    assert found == [(form.patterns, len(form.leaves)) for form in FORMS]
