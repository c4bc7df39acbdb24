"""A tool as the protocol offers it: its schemas out of types and docstring, and its arguments checked before a call."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model

from ga2app.errors import ConfigError, Fault
from ga2app.web.mcp.mcp_docstrings import Explained, explained

_SHOWN = 80


@dataclass(frozen=True)
class Offer:
    """A tool: ``function`` takes what its signature says and answers a dataclass."""

    function: Callable[..., Any]

    @property
    def name(self) -> str:
        return self.function.__name__

    @cached_property
    def told(self) -> Explained:
        """The docstring."""
        return explained(self.function)

    @property
    def description(self) -> str:
        """What it does, and its known errors."""
        errors = "\n".join(f"- {text}" for text in self.told.raises.values())
        return f"{self.told.about}\n\nErrors, each told with the next step:\n{errors}" if errors else self.told.about

    @cached_property
    def input_schema(self) -> dict[str, Any]:
        """The arguments, each described."""
        schema: dict[str, Any] = _untitled(self._arguments.model_json_schema())
        return schema

    @cached_property
    def output_schema(self) -> dict[str, Any]:
        """The answer's fields, each described."""
        answer = get_type_hints(self.function, include_extras=True)["return"]
        schema: dict[str, Any] = _untitled(TypeAdapter(answer).json_schema(mode="serialization"))
        for name, about in self.told.returns.items():
            schema["properties"][name]["description"] = about
        return schema

    def call(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call it with JSON values; the answer as JSON values. Raises ConfigError with every fault of the arguments."""
        try:
            checked = self._arguments.model_validate(self._unpacked(arguments))
        except ValidationError as exc:
            raise ConfigError([self._fault(error) for error in exc.errors()]) from exc
        given = {name: getattr(checked, name) for name in self._arguments.model_fields}
        answer: dict[str, Any] = asdict(self.function(**given))
        return answer

    @cached_property
    def _arguments(self) -> type[BaseModel]:
        hints = get_type_hints(self.function, include_extras=True)
        fields: dict[str, Any] = {}
        for name, parameter in inspect.signature(self.function).parameters.items():
            default = ... if parameter.default is inspect.Parameter.empty else parameter.default
            fields[name] = (hints[name], Field(default, description=self.told.args[name]))
        return create_model(self.name, __config__=ConfigDict(extra="forbid"), **fields)

    def _unpacked(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments, where some clients write a list or an object as its JSON text."""
        return {name: _unpack(value) if name in self._structured else value for name, value in arguments.items()}

    @cached_property
    def _structured(self) -> set[str]:
        """Arguments that take a list or an object."""
        return {
            name
            for name, schema in self.input_schema["properties"].items()
            if any(one.get("type") in ("array", "object") for one in [schema, *schema.get("anyOf", ())])
        }

    def _fault(self, error: Any) -> Fault:
        """What is wrong with one argument, and what is right."""
        place = ".".join(map(str, error["loc"]))
        if error["type"] == "extra_forbidden":
            known = ", ".join(self._arguments.model_fields)
            return Fault(place, f"is no argument of {self.name}, which takes: {known}")
        about = self.told.args[str(error["loc"][0])].rstrip(".")
        if error["type"] == "missing":
            return Fault(place, f"is missing: {about}")
        rule = error["msg"].replace("Input should be", "must be")
        return Fault(place, f"{rule} (it is {_short(error['input'])}): {about}")


def _unpack(value: object) -> object:
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{")):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _untitled(schema: Any) -> Any:
    """``schema`` without the titles that only repeat the names, and on one line each."""
    if isinstance(schema, list):
        return [_untitled(one) for one in schema]
    if not isinstance(schema, dict):
        return " ".join(schema.split()) if isinstance(schema, str) else schema
    return {name: _untitled(one) for name, one in schema.items() if not (name == "title" and isinstance(one, str))}
