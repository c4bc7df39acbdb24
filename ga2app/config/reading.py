"""From plain JSON to frozen dataclasses: every fault of all fields at once, each with its dotted path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from ga2app.errors import ConfigError, Fault

Section = TypeVar("Section")


def check(section: object, *rules: tuple[str, bool, str]) -> None:
    faults = [Fault(name, f"{rule} (it is {getattr(section, name)!r})") for name, holds, rule in rules if not holds]
    if faults:
        raise ConfigError(faults)


def read(kind: type[Section], data: object, prefix: str) -> Section:
    """Build the dataclass ``kind`` from ``data``, gathering the faults of all its fields and sections."""
    if not isinstance(data, Mapping):
        raise ConfigError([Fault(prefix.rstrip(".") or "config", f"must be a JSON object, not {data!r}")])
    hints = get_type_hints(kind)
    known = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    faults = [
        Fault(prefix + str(name), f"is not a setting; known here: {', '.join(sorted(known))}")
        for name in data
        if name not in known
    ]
    values: dict[str, Any] = {}
    for name in sorted(known & set(data)):
        try:
            values[name] = _convert(hints[name], data[name], prefix + name)
        except ConfigError as exc:
            faults.extend(exc.faults)
    section: Section | None = None
    try:
        section = kind(**values)
    except ConfigError as exc:
        faults.extend(Fault(prefix + fault.field, fault.message) for fault in exc.faults)
    if faults or section is None:
        raise ConfigError(faults)
    return section


def _convert(hint: Any, value: object, path: str) -> Any:
    if is_dataclass(hint):
        return read(hint, value, path + ".")  # type: ignore[arg-type]
    if get_origin(hint) in (Union, UnionType):
        options = [option for option in get_args(hint) if option is not type(None)]
        return None if value is None else _convert(options[0], value, path)
    if get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigError([Fault(path, f"must be a list (it is {value!r})")])
        return tuple(_convert(get_args(hint)[0], item, path) for item in value)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        choices = [str(member) for member in hint]
        if value not in choices:
            raise ConfigError([Fault(path, f"must be one of {', '.join(choices)} (it is {value!r})")])
        return hint(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        wanted = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}[hint]
        raise ConfigError([Fault(path, f"must be {wanted} (it is {value!r})")])
    return value
