"""Tables of rows as files: CSV, JSON, NPZ, and Parquet with the extra ``export``.

Each is one line in pandas: ``read_csv(f)``, ``read_json(f)``, ``read_parquet(f)``,
``DataFrame(dict(numpy.load(f)))``.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from simulations.app.files import write_text
from theory.core import EnvironmentLacksError, require_extra

FORMATS = ("csv", "json", "npz", "parquet")

Row = Mapping[str, Any]


def write_rows(
    path: str, columns: Sequence[str], rows: Sequence[Row], form: str | None = None
) -> None:
    """Write rows to the file that ``--out`` named.

    Parameters
    ----------
    path : str
    columns : sequence of str
        In this order; JSON has whole rows instead. What a row lacks is empty: NaN in a column of
        numbers, null or the empty string in a column of text.
    rows : sequence of mappings
        Lists and mappings inside become JSON text, except in JSON itself.
    form : one of FORMATS, optional
        By default the suffix of `path`.

    Raises
    ------
    EnvironmentLacksError
        If the file cannot be written, or Parquet is asked for without PyArrow.
    """
    form = form or Path(path).suffix[1:]
    if form == "json":
        write_text("--out", path, json.dumps(list(rows), indent=1) + "\n")
    elif form == "csv":
        write_text("--out", path, _csv(columns, rows))
    else:
        if form == "parquet":
            require_extra("export", f"--out {path}")
        try:
            (_write_parquet if form == "parquet" else _write_npz)(path, columns, rows)
        except OSError as error:
            reason = error.strerror or error
            raise EnvironmentLacksError(f"--out {path}: cannot write ({reason})") from error


def _csv(columns: Sequence[str], rows: Sequence[Row]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_plain(row.get(name)) for name in columns] for row in rows)
    return buffer.getvalue()


def _write_npz(path: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    with open(path, "wb") as file:
        # The stubs take every name of an array for `allow_pickle`.
        np.savez(file, **_arrays(columns, rows))  # type: ignore[arg-type]


def _write_parquet(path: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    import pyarrow
    import pyarrow.parquet

    arrays = {name: pyarrow.array(values, from_pandas=True)
              for name, values in _arrays(columns, rows).items()}  # fmt: skip
    pyarrow.parquet.write_table(pyarrow.table(arrays), path)


def _arrays(columns: Sequence[str], rows: Sequence[Row]) -> dict[str, npt.NDArray[Any]]:
    return {name: _column([_plain(row.get(name)) for row in rows]) for name in columns}


def _column(values: Sequence[Any]) -> npt.NDArray[Any]:
    """Numbers where all are numbers (NaN for what is missing), else text."""
    present = [value for value in values if value is not None]
    if all(isinstance(value, bool) for value in present) and len(present) == len(values):
        return np.asarray(values, dtype=bool)
    if present and all(isinstance(value, int | float) for value in present):
        whole = len(present) == len(values) and all(isinstance(value, int) for value in values)
        fits = whole and all(-(2**63) <= value < 2**63 for value in values)
        return np.asarray([np.nan if value is None else value for value in values],
                          dtype=np.int64 if fits else np.float64)  # fmt: skip
    return np.asarray(["" if value is None else str(value) for value in values], dtype=np.str_)


def _plain(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict) else value
