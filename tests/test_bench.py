"""The benchmark measures what it says: specs that are sound, and other ways of making the same examples."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from cxrspec.compiler.catalog import overlay, shipped
from cxrspec.compiler.pipeline import compile
from cxrspec.runtime.project import local_files

from .bench import compare, growth
from .bench.generated import write_specs
from .bench.page import placed, table
from .corpus import SEEDS, corpus


def test_generated_specs_are_sound(tmp_path: Path) -> None:
    write_specs(tmp_path / "many", 45)
    made = compile(overlay(shipped(), local_files(tmp_path / "many")))
    assert made.diagnostics == ()
    assert len([name for name in made.specs if "/source" in name]) == 45


@pytest.mark.slow
@pytest.mark.parametrize("spec", compare.SPECS)
def test_other_ways_make_our_examples(spec: str, tmp_path: Path) -> None:
    for library in ("pandas", "pyarrow", "duckdb"):
        pytest.importorskip(library, reason="of the extra `bench`")
    made, folder = corpus(SEEDS[0]), tmp_path / "tables"
    compare.prepare(spec, made.data, folder)
    (folder / "ours").symlink_to(made.out / spec)
    for who, module in compare.OTHERS.items():
        (folder / who).mkdir()
        import_module(f"tests.bench.{module}").BUILD[spec](folder, folder / who / "all.parquet")
        compare.check(folder, who)


def test_the_line_of_growth_is_the_one_the_points_lie_on() -> None:
    fixed, each, off = growth.line([100, 200, 400], [3.0, 4.0, 6.0])
    assert (round(fixed, 9), round(each, 9), round(off, 9)) == (2, 0.01, 0)
    assert growth.line([100, 200, 400], [3.0, 4.4, 6.0])[2] > 0.03


def test_a_table_is_markdown() -> None:
    assert table(["a", "b"], [["x", "1"]]) == "| a | b |\n| --- | ---: |\n| x | 1 |"


def test_a_text_takes_the_place_of_the_one_before() -> None:
    page = "<!-- bench a -->\n<!-- end -->\n\n<!-- bench b -->\nold\n<!-- end -->\n"
    page = placed(placed(page, "b", "new"), "a", "more")
    assert page == "<!-- bench a -->\nmore\n<!-- end -->\n\n<!-- bench b -->\nnew\n<!-- end -->\n"
    with pytest.raises(ValueError, match="0 places"):
        placed(page, "c", "text")
