"""Records compared with a tolerance: what a processor rounds, or a kernel adds up in another order, is no difference.

``assert same_record(found, wanted)`` walks dataclasses, mappings, sequences, arrays and tensors. Floats have to agree
to ``rel`` of the larger one, arrays to ``rel`` of their largest entry; everything else has to be equal.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

REL, ABS = 1e-4, 1e-6


def same_record(found: Any, wanted: Any, *, rel: float = REL, abs_: float = ABS) -> bool:
    """True where ``found`` is ``wanted`` up to rounding; raises AssertionError that names every place where it isn't.

    ``abs_`` is what floats near zero may differ by.
    """
    faults = list(_differences(found, wanted, "", rel, abs_))
    assert not faults, "\n".join(faults[:12])
    return True


def _differences(found: Any, wanted: Any, place: str, rel: float, abs_: float) -> Iterator[str]:
    if _is_array(found) and _is_array(wanted):
        yield from _array_differences(_array(found), _array(wanted), place, rel, abs_)
    elif _is_float_pair(found, wanted):
        if not (math.isclose(found, wanted, rel_tol=rel, abs_tol=abs_) or math.isnan(found) and math.isnan(wanted)):
            yield f"{place or 'value'}: {found!r} is not {wanted!r}"
    elif is_dataclass(found) and type(found) is type(wanted):
        for field in fields(found):
            here = f"{place}.{field.name}"
            yield from _differences(getattr(found, field.name), getattr(wanted, field.name), here, rel, abs_)
    elif isinstance(found, Mapping) and isinstance(wanted, Mapping):
        if found.keys() != wanted.keys():
            yield f"{place or 'mapping'}: keys {sorted(map(str, found.keys() ^ wanted.keys()))} are on one side only"
        for key in found.keys() & wanted.keys():
            yield from _differences(found[key], wanted[key], f"{place}[{key!r}]", rel, abs_)
    elif _is_sequence(found) and _is_sequence(wanted):
        if len(found) != len(wanted):
            yield f"{place or 'sequence'}: {len(found)} entries instead of {len(wanted)}"
        for number, (one, other) in enumerate(zip(found, wanted, strict=False)):
            yield from _differences(one, other, f"{place}[{number}]", rel, abs_)
    elif found != wanted:
        yield f"{place or 'value'}: {found!r} is not {wanted!r}"


def _array_differences(found: np.ndarray, wanted: np.ndarray, place: str, rel: float, abs_: float) -> Iterator[str]:
    if found.shape != wanted.shape:
        yield f"{place or 'array'}: shape {found.shape} instead of {wanted.shape}"
    elif found.dtype.kind not in "fc":
        if not np.array_equal(found, wanted):
            yield f"{place or 'array'}: {np.count_nonzero(found != wanted)} entries differ"
    elif found.size:
        apart = np.nan_to_num(np.abs(found - wanted), nan=math.inf)
        apart[(found == wanted) | (np.isnan(found) & np.isnan(wanted))] = 0
        largest = np.abs(np.nan_to_num(wanted)).max()
        if apart.max() > max(abs_, rel * largest):
            yield f"{place or 'array'}: entries up to {apart.max():.3g} apart, the largest is {largest:.3g}"


def _is_float_pair(found: Any, wanted: Any) -> bool:
    """Two numbers of which one is a float."""
    numbers = [value for value in (found, wanted) if isinstance(value, int | float) and not isinstance(value, bool)]
    return len(numbers) == 2 and any(isinstance(value, float) for value in numbers)


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) or hasattr(value, "detach")


def _array(value: Any) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value
    host = value.detach().cpu()
    return np.asarray(host.double() if host.is_floating_point() else host)


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes) and not isinstance(value, Set)
