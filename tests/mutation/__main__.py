"""Prints what came of the mutants: `python -m tests.mutation [number of each kind] [--misses] [--only WORD]`."""

from __future__ import annotations

import argparse
import time

from .judge import Outcome, judge
from .mutants import Corpus, everything, sample


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("number", type=int, nargs="?", default=60, help="mutants of each kind")
    parser.add_argument("--misses", action="store_true", help="print what was not as it should be")
    parser.add_argument("--only", default="", help="kinds with this word in them")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    corpus = Corpus()
    kinds = {kind: m for kind, m in everything(corpus, asked.seed).items() if asked.only in kind}
    print(
        f"{'kind':40}{'places':>8}{'mutants':>9}{'found':>7}{'touch':>7}{'moved':>7}{'most':>6}{'good':>7}{'s each':>8}"
    )
    for kind, mutants in kinds.items():
        start = time.perf_counter()
        outcomes = [judge(corpus, one) for one in sample(mutants, asked.number, asked.seed)]
        _line(kind, len(mutants), outcomes, (time.perf_counter() - start) / len(outcomes))
        for one in outcomes if asked.misses else ():
            if not one.good:
                print(f"\n---- {one.mutant}  moved {len(one.moved)}\n{_changed(one)}\n{one.drawn}{one.crash}")


def _changed(one: Outcome) -> str:
    old, new = one.mutant.page.text.split("\n"), one.mutant.text.split("\n")
    gone = [f"- {line}" for line in old if line not in new]
    return "\n".join([*gone, *(f"+ {line}" for line in new if line not in old)][:8])


def _line(kind: str, places: int, outcomes: list[Outcome], seconds: float) -> None:
    found = sum(bool(one.findings) for one in outcomes)
    touching = sum(one.touches for one in outcomes)
    moved = sum(bool(one.moved) for one in outcomes)
    most = max(len(one.findings) for one in outcomes)
    good = sum(one.good for one in outcomes)
    print(
        f"{kind:40}{places:8}{len(outcomes):9}{found:7}{touching:7}{moved:7}{most:6}{good:7}{seconds:8.2f}", flush=True
    )


if __name__ == "__main__":
    main()
