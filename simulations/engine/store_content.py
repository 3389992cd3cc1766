"""What the store keeps, as bytes: canonical JSON, npz, and their checksums."""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

Arrays = dict[str, npt.NDArray[Any]]


def to_json(value: object, where: str) -> bytes:
    """Return compact JSON, in the order of the mappings.

    Raises
    ------
    ValueError
        If something inside `value` is not JSON-ready; the text says where, starting at `where`.
    """
    return json.dumps(_plain(value, where, finite=True), separators=(",", ":")).encode()


def canonical(parts: Mapping[str, object]) -> bytes:
    """Return JSON in which equal parts give equal bytes; infinities, NaN and fractions are allowed.

    Raises
    ------
    ValueError
        If a part is none of the supported kinds; the text names it.
    """
    plain = {name: _plain(value, name, finite=False) for name, value in parts.items()}
    return json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()


def _plain(value: object, where: str, *, finite: bool) -> Any:
    """Mappings, sequences and NumPy values as dictionaries, lists and Python numbers."""
    if isinstance(value, Mapping):
        for name in value:
            if not isinstance(name, str):
                raise ValueError(f"{where} has the name {name!r}; names must be strings")
        return {k: _plain(v, f"{where}[{k!r}]", finite=finite) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v, f"{where}[{i}]", finite=finite) for i, v in enumerate(value)]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist(), where, finite=finite)
    if isinstance(value, float) and (math.isfinite(value) or not finite):
        return value
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Fraction) and not finite:
        return {"fraction": str(value)}
    allowed = "finite numbers, strings, None, lists and mappings" if finite else (
        "numbers, fractions, strings, None, arrays, lists and mappings")  # fmt: skip
    raise ValueError(f"{where} is {value!r}; it must be made of {allowed}")


def encode(arrays: Mapping[str, npt.ArrayLike]) -> bytes:
    """Return the bytes of an ``.npz`` file; equal arrays give equal bytes.

    Raises
    ------
    ValueError
        If an array would have to be pickled (dtype object).
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, value in arrays.items():
            array = np.asanyarray(value)
            if array.dtype.hasobject:
                raise ValueError(f"arrays[{name!r}] has dtype {array.dtype}; it must be numeric")
            # A fixed date, so that the checksum depends on the content alone.
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            with archive.open(entry, "w", force_zip64=True) as member:
                npy.write_array(member, array, allow_pickle=False)
    return buffer.getvalue()


def decode(data: bytes) -> Arrays:
    """Return the arrays in the bytes of an ``.npz`` file."""
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def digest(*parts: bytes) -> str:
    """Return the sha256 of the parts, each preceded by its length, in hexadecimal."""
    state = hashlib.sha256()
    for part in parts:
        state.update(len(part).to_bytes(8, "little"))
        state.update(part)
    return state.hexdigest()


def intact(data: object, recorded: str, key: str = "") -> bool:
    """Whether `data` are the bytes whose checksum, together with the key, was recorded."""
    return isinstance(data, bytes) and digest(key.encode(), data) == recorded
