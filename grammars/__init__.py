"""The language itself: Lark grammars and JSON Schemas, readable without Python."""
