"""Mutants of what ships: a mistake is put into a file, and the compiler has to notice it at its place.

    places.py     what stands where in a file, read by PyYAML and by tables of our own
    mutants.py    the classes of mistakes, each with all its mutants
    judge.py      a mutant through the compiler, and what came of it

`python -m tests.mutation` prints the figures.
"""
