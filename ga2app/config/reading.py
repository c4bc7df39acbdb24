"""From plain JSON to frozen dataclasses whose fields hold their rules.

Reading is strict: an unknown key, a wrong type and a broken rule are faults, and all of them are reported at once,
each with the dotted path of its field.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import Field, field, fields, is_dataclass
from enum import StrEnum
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from ga2app.errors import ConfigError, Fault, shown
from ga2app.untrusted import MAX_WHOLE, text_fault, whole_number

Section = TypeVar("Section")


def ruled(holds: Callable[[Any], object], rule: str, *, key: str = "") -> dict[str, Any]:
    """The metadata of a field whose value ``holds``; ``rule`` says so in words.

    A number that is not finite breaks any rule. ``key`` is what files call the field, where that is not its name; both
    are read.
    """
    return {"holds": holds, "rule": rule, "key": key}


def setting(default: Any, holds: Callable[[Any], object], rule: str, *, key: str = "") -> Any:
    """A field with a default and a rule, see ``ruled``."""
    return field(default=default, metadata=ruled(holds, rule, key=key))


def key_of(item: Field[Any]) -> str:
    """What files and messages call a field."""
    return item.metadata.get("key") or item.name


def written(section: Any) -> dict[str, Any]:
    """A dataclass as plain JSON values, under the keys of files."""
    values = {key_of(item): getattr(section, item.name) for item in fields(section)}
    return {key: written(value) if is_dataclass(value) else value for key, value in values.items()}


class Checked:
    """A section that tells all its faults at once: those of single fields, then those ``between`` fields."""

    def __post_init__(self) -> None:
        if faults := [*broken(type(self), vars(self)), *self.between()]:
            raise ConfigError(faults)

    def between(self) -> list[Fault]:
        """Faults of fields that do not fit each other."""
        return []


def broken(kind: Any, values: Mapping[str, Any]) -> list[Fault]:
    """The faults of those of ``values`` that break the rules of the fields of the dataclass ``kind``."""
    faults = []
    for item in fields(kind):
        if item.name not in values:
            continue
        value, holds = values[item.name], item.metadata.get("holds")
        finite = not isinstance(value, float) or math.isfinite(value)
        if fault := _never(value):
            faults.append(Fault(key_of(item), fault))
        elif holds and not (finite and holds(value)):
            faults.append(Fault(key_of(item), f"{item.metadata['rule']} (it is {quoted(value)})"))
    return faults


def quoted(value: object) -> str:
    """``value`` as a message quotes it: on one line, and of bounded length."""
    if isinstance(value, int) and abs(value) > MAX_WHOLE:
        return "a number of more than 18 digits"  # Python itself refuses to write out those of more than 4,300
    try:
        return shown(repr(value))
    except (ValueError, RecursionError):  # such a number in a list, or lists without end
        return f"a {type(value).__name__}"


def _never(value: object) -> str:
    """Why no setting can be ``value``; empty where one can."""
    if isinstance(value, int) and abs(value) > MAX_WHOLE:
        return f"must be at most {MAX_WHOLE:,} (it is {quoted(value)})"
    if isinstance(value, tuple):
        return next(filter(None, map(_never, value)), "")
    return text_fault(value, controls="\0") if isinstance(value, str) else ""


def read(kind: type[Section], data: object, prefix: str = "") -> Section:
    """Build the dataclass ``kind`` from plain JSON. Raises ConfigError with the faults of all fields and sections."""
    if not isinstance(data, Mapping):
        raise ConfigError([Fault(prefix.rstrip(".") or "config", f"must be a JSON object, not {quoted(data)}")])
    hints = get_type_hints(kind)
    names = {key_of(item): item.name for item in fields(kind)}  # type: ignore[arg-type]
    keys = {name: key for key, name in names.items()}
    faults: list[Fault] = []
    values: dict[str, Any] = {}
    for given, value in data.items():
        key = keys.get(given, given)
        if key not in names:
            rule = f"is not a setting; known here: {', '.join(sorted(names))}"
            faults.append(Fault(f"{prefix}{shown(str(given))}", rule))
        elif key != given and key in data:
            faults.append(Fault(f"{prefix}{given}", f"is the same setting as '{key}'; keep one of the two"))
        else:
            try:
                values[names[key]] = _converted(hints[names[key]], value, prefix + key)
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


def by_key(kind: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    """``data`` with every setting of the dataclass ``kind`` under the key of files, not under the field's name.

    A setting that is given under both keeps both: ``read`` says so.
    """
    hints, found = get_type_hints(kind), dict[str, Any]()
    keys = {item.name: key_of(item) for item in fields(kind)}
    names = {key: name for name, key in keys.items()}
    for given, value in data.items():
        key = keys.get(given, given)
        hint = hints.get(names.get(key, key))
        section = is_dataclass(hint) and isinstance(value, Mapping)
        found[given if key in data else key] = by_key(hint, value) if section else value
    return found


def _converted(hint: Any, value: object, path: str) -> Any:
    if is_dataclass(hint):
        return read(hint, value, path + ".")  # type: ignore[arg-type]
    if get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigError([Fault(path, f"must be a list (it is {quoted(value)})")])
        return tuple(_converted(get_args(hint)[0], item, path) for item in value)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        choices = [str(member) for member in hint]
        if value not in choices:
            raise ConfigError([Fault(path, f"must be one of {', '.join(choices)} (it is {quoted(value)})")])
        return hint(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        if abs(value) > MAX_WHOLE:
            raise ConfigError([Fault(path, f"must be a number (it is {quoted(value)})")])
        return float(value)
    if hint == int | str:  # a number, or a word such as auto; a form sends both as text
        number = whole_number(value) if isinstance(value, str) and value.strip().isdecimal() else None
        value = value if number is None else number
        if isinstance(value, int | str) and not isinstance(value, bool):
            return value
        raise ConfigError([Fault(path, f"must be a whole number or a word (it is {quoted(value)})")])
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        wanted = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}[hint]
        raise ConfigError([Fault(path, f"must be {wanted} (it is {quoted(value)})")])
    return value


def flat(config: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Every setting by its dotted path."""
    found: dict[str, Any] = {}
    for key, value in config.items():
        path = f"{above}{key}"
        found |= flat(value, f"{path}.") if isinstance(value, Mapping) else {path: value}
    return found
