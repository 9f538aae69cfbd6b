"""Times and memory of the whole command, printed: `python -m tests.bench`. Not a test."""
