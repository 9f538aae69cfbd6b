"""What the benchmark compiles is sound, else it would measure something else."""

from __future__ import annotations

from pathlib import Path

from cxrspec.compiler.catalog import overlay, shipped
from cxrspec.compiler.pipeline import compile
from cxrspec.runtime.project import local_files

from .bench.generated import write_specs


def test_generated_specs_are_sound(tmp_path: Path) -> None:
    write_specs(tmp_path / "many", 45)
    made = compile(overlay(shipped(), local_files(tmp_path / "many")))
    assert made.diagnostics == ()
    assert len([name for name in made.specs if "/source" in name]) == 45
