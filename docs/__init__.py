"""The documentation; `errors/CXRnnn.md` is also what `cxrspec explain` prints."""
