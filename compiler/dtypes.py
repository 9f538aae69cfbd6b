"""The language's types as Polars dtypes: the one written mapping, for tables that are read and for lowered plans."""

from __future__ import annotations

import polars as pl

from cxrspec.compiler.types import (
    BOX,
    FIELDS_OF_BOX,
    LABEL,
    LabelsOf,
    ListOf,
    Never,
    Nullable,
    RecordOf,
    Scalar,
    Type,
    Unknown,
    Variable,
)

_SCALARS: dict[str, pl.DataType] = {
    "bool": pl.Boolean(),
    "int": pl.Int64(),
    "float": pl.Float64(),
    "text": pl.String(),
    "date": pl.Date(),
    "time": pl.Time(),
    "image": pl.String(),
    "split": pl.String(),
    "label": pl.Int8(),
}


def dtype_of(type: Type) -> pl.DataType:
    """The dtype of a column of `type`; a column of `T | null` has the dtype of `T`.

    >>> from cxrspec.compiler.types import INT, TEXT, ListOf, nullable
    >>> dtype_of(nullable(ListOf(INT))), dtype_of(TEXT)
    (List(Int64), String)
    """
    match type:
        case Scalar() if type == BOX:
            return dtype_of(FIELDS_OF_BOX)
        case Scalar(name):
            return _SCALARS[name]
        case Nullable(inner):
            return dtype_of(inner)
        case ListOf(item):
            return pl.List(dtype_of(item))
        case RecordOf(fields):
            return pl.Struct({name: dtype_of(field) for name, field in fields})
        case LabelsOf(names):
            return pl.Struct(dict.fromkeys(names, dtype_of(LABEL)))
        case Unknown() | Never() | Variable():
            return pl.Null()
