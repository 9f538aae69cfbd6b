"""The commands: one file for each, a function of its name; options.py and shared.py have what several of them use.

A module of the house is imported where it is needed, inside a function: `--help` and `compile --check` are quick.
"""
