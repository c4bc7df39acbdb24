"""From plain JSON to frozen dataclasses whose fields hold their rules.

Reading is strict: an unknown key, a wrong type and a broken rule are faults, and all of them are reported at once,
each with the dotted path of its field.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import field, fields, is_dataclass
from enum import StrEnum
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from ga2app.errors import ConfigError, Fault

Section = TypeVar("Section")


def setting(default: Any, holds: Callable[[Any], bool], rule: str, *, alias: str = "") -> Any:
    """A field whose value ``holds``; ``rule`` says so in words. A number that is not finite breaks any rule.

    ``alias`` is another key that is read for it; the field's own is written.
    """
    return field(default=default, metadata={"holds": holds, "rule": rule, "alias": alias})


class Checked:
    """A section that tells all its faults at once: those of single fields, then those ``between`` fields."""

    def __post_init__(self) -> None:
        faults = []
        for item in fields(self):  # type: ignore[arg-type]
            value, holds = getattr(self, item.name), item.metadata.get("holds")
            finite = not isinstance(value, float) or math.isfinite(value)
            if holds and not (finite and holds(value)):
                faults.append(Fault(item.name, f"{item.metadata['rule']} (it is {value!r})"))
        faults += self.between()
        if faults:
            raise ConfigError(faults)

    def between(self) -> list[Fault]:
        """Faults of fields that do not fit each other."""
        return []


def read(kind: type[Section], data: object, prefix: str = "") -> Section:
    """Build the dataclass ``kind`` from plain JSON. Raises ConfigError with the faults of all fields and sections."""
    if not isinstance(data, Mapping):
        raise ConfigError([Fault(prefix.rstrip(".") or "config", f"must be a JSON object, not {data!r}")])
    hints = get_type_hints(kind)
    known = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    aliases = {alias: item.name for item in fields(kind) if (alias := item.metadata.get("alias"))}  # type: ignore[arg-type]
    faults: list[Fault] = []
    values: dict[str, Any] = {}
    for given, value in data.items():
        name = aliases.get(given, given)
        if name not in known:
            faults.append(Fault(f"{prefix}{given}", f"is not a setting; known here: {', '.join(sorted(known))}"))
        elif name != given and name in data:
            faults.append(Fault(f"{prefix}{given}", f"is the same setting as '{name}'; keep one of the two"))
        else:
            try:
                values[name] = _converted(hints[name], value, prefix + name)
            except ConfigError as exc:
                faults += exc.faults
    section: Section | None = None
    try:
        section = kind(**values)
    except ConfigError as exc:
        faults += [Fault(prefix + fault.field, fault.message) for fault in exc.faults]
    if faults or section is None:
        raise ConfigError(faults)
    return section


def by_field(kind: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    """``data`` with every setting of the dataclass ``kind`` under its own key, as files write it, not under its alias.

    A setting that is given under both keeps both: ``read`` says so.
    """
    hints, found = get_type_hints(kind), dict[str, Any]()
    aliases = {alias: item.name for item in fields(kind) if (alias := item.metadata.get("alias"))}
    for given, value in data.items():
        name = aliases.get(given, given)
        section = is_dataclass(hints.get(name)) and isinstance(value, Mapping)
        found[given if name in data else name] = by_field(hints[name], value) if section else value
    return found


def _converted(hint: Any, value: object, path: str) -> Any:
    if is_dataclass(hint):
        return read(hint, value, path + ".")  # type: ignore[arg-type]
    if get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigError([Fault(path, f"must be a list (it is {value!r})")])
        return tuple(_converted(get_args(hint)[0], item, path) for item in value)
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


def flat(config: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Every setting by its dotted path."""
    found: dict[str, Any] = {}
    for key, value in config.items():
        path = f"{above}{key}"
        found |= flat(value, f"{path}.") if isinstance(value, Mapping) else {path: value}
    return found
