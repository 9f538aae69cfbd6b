"""Times and memory, printed as Markdown and kept in docs/performance.md: `python -m tests.bench`. Not a test."""
