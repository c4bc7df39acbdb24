"""The settings of a run as a JSON schema: names, kinds and what a section is for."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import StrEnum
from typing import Any, get_args, get_origin, get_type_hints

from ga2app.config import RunConfig

_KINDS = {int: "integer", float: "number", bool: "boolean", str: "string"}


def settings_schema(section: type = RunConfig) -> dict[str, Any]:
    """The schema of ``section`` and all below it, without defaults: these are the preset's."""
    hints = get_type_hints(section)
    about = " ".join((section.__doc__ or "").split())
    return {
        "type": "object",
        "description": about,
        "properties": {item.name: _schema(hints[item.name]) for item in fields(section)},
        "additionalProperties": False,
    }


def _schema(hint: Any) -> dict[str, Any]:
    if is_dataclass(hint):
        assert isinstance(hint, type)
        return settings_schema(hint)
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _schema(get_args(hint)[0])}
    if issubclass(hint, StrEnum):
        return {"type": "string", "enum": [str(member) for member in hint]}
    return {"type": _KINDS[hint]}
