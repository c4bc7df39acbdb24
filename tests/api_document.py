"""Writes the generated parts of docs/api.md from the code, or checks them: ``make docs``.

A part stands between ``<!-- generated: NAME -->`` and ``<!-- end -->``; everything else in the file is written by hand.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import Field, fields, is_dataclass
from pathlib import Path
from types import FunctionType
from typing import Any, cast

PROJECT = Path(__file__).resolve().parents[1]
DOCUMENT = PROJECT / "docs" / "api.md"
HINT = "docs/api.md is not what the code says any more; write it anew with: make docs"
OWN_HELP = {
    "dataset": "Name of the data set in the studio.",
    "backbone": "The frozen CLIP: sketch, a folder, or a repository of the Hub that is on this machine.",
    "seed": "Decides the few-shot draw, the start of the prompts and the order of the clips.",
}
"""Of settings that the Train page asks for in its own fields."""

_WIDTH = 100
_PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def written(text: str) -> str:
    """``text`` with each generated part as the code has it now; raises KeyError for a part that nobody knows."""
    return _PART.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n\n{found[3]}", text)


def endpoints() -> str:
    """Every named endpoint of the page: what it does, its arguments, its answer, its errors."""
    import gradio as gr

    from ga2app.web.api import build_api, explained

    with gr.Blocks(analytics_enabled=False) as page:
        build_api(cast(Any, None))  # a studio is only asked when somebody calls
    known = page.get_api_info()["named_endpoints"]
    parts = []
    for event in page.fns.values():
        if f"/{event.api_name}" not in known:
            continue
        function, told = cast(FunctionType, event.fn), explained(cast(FunctionType, event.fn))
        files = {
            one["parameter_name"]: one["python_type"]["type"]
            for one in known[f"/{event.api_name}"]["parameters"]
            if "filepath" in one["python_type"]["type"]
        }
        rows = [
            (f"`{name}`", f"`{files.get(name, _plain(one.annotation))}`", _default(one), told.args[name])
            for name, one in inspect.signature(function).parameters.items()
        ]
        many = _plain(inspect.signature(function).return_annotation).startswith("list")
        answer = "Answers a list; each entry has:" if many else "Answers:"
        parts.append(
            _section(
                f"`/{event.api_name}`", told.about, rows, answer, told.returns, [*map(_error, told.raises.items())]
            )
        )
    return "\n\n".join(parts)


def tools() -> str:
    """Every tool that agents get, as they read it."""
    import gradio as gr

    from ga2app.web.api import build_api
    from ga2app.web.mcp_agents import Tool, Tools

    with gr.Blocks(analytics_enabled=False) as page:
        build_api(cast(Any, None))
    parts = []
    for tool in (Tool(Tools(cast(Any, None), page), name) for name in Tools.NAMES):
        parameters = inspect.signature(tool.function).parameters
        rows = [
            (f"`{name}`", _kind(schema), _default(parameters[name]), schema["description"])
            for name, schema in tool.arguments.items()
        ]
        errors = [*map(_error, tool.raises.items())]
        parts.append(_section(f"`{tool.listed.name}`", tool.about, rows, "Answers:", tool.returns, errors))
    return "\n\n".join(parts)


def settings() -> str:
    """The settings of a run, section by section."""
    from ga2app.config import RunConfig
    from ga2app.config.reading import key_of
    from ga2app.web.pages.train.train_settings import SETTINGS

    helps = OWN_HELP | {setting.path: setting.help for setting in SETTINGS}
    config = RunConfig()
    own = [item for item in fields(config) if not is_dataclass(getattr(config, item.name))]
    parts = [_settings("At the top", config, own, helps)]
    for item in fields(config):
        section = getattr(config, item.name)
        if is_dataclass(section):
            parts.append(_settings(_keys(item), section, fields(section), helps, f"{key_of(item)}."))
    return "\n\n".join(parts)


def commands() -> str:
    """Every command of ``python -m ga2app`` with its options."""
    from ga2app.cli.main import _parser

    parser = _parser()
    return "\n\n".join(_command(command, one, about) for command, one, about in _leaves(parser, parser.prog))


def public_objects() -> dict[str, Any]:
    """The public names of the library, and the records that they answer, by their whole names."""
    import ga2app
    from ga2app import types, video
    from ga2app.inference import LiveClip, PromptBundle

    found = {f"ga2app.{name}": getattr(ga2app, name) for name in ga2app.__all__ if callable(getattr(ga2app, name))}
    found |= {"ga2app.video.sample_frames": video.sample_frames, "ga2app.inference.PromptBundle": PromptBundle}
    found["ga2app.inference.LiveClip"] = LiveClip
    records = (types.Recognition, types.RecognizedClip, types.Answer, types.Score, types.TimedLabels)
    return found | {f"ga2app.types.{record.__name__}": record for record in records}


def members(thing: Any) -> dict[str, Any]:
    """The public methods and properties of a class, those of the classes below it first."""
    found: dict[str, Any] = {}
    for one in inspect.getmro(thing) if inspect.isclass(thing) else ():
        if one.__module__.startswith("ga2app."):
            found = vars(one) | found
    return {
        name: member.__func__ if isinstance(member, classmethod | staticmethod) else member
        for name, member in found.items()
        if not name.startswith("_") and isinstance(member, FunctionType | classmethod | staticmethod | property)
    }


def python() -> str:
    """The public names of the library, and the records that they answer."""
    from ga2app import errors

    parts = [_named(one, name) for name, one in public_objects().items()]
    tree, _, about = (errors.__doc__ or "").partition("\n\nA message")
    drawn = inspect.cleandoc(tree.split("\n\n", 1)[1])
    parts.append(f"#### `ga2app.errors`\n\n```text\n{drawn}\n```\n\nA message{about}".rstrip())
    return "\n\n".join(parts)


PARTS: dict[str, Callable[[], str]] = {
    "endpoints": endpoints,
    "tools": tools,
    "settings": settings,
    "commands": commands,
    "python": python,
}


def _section(
    title: str, about: str, rows: list[tuple[str, ...]], answer: str, returns: dict[str, str], errors: list[str]
) -> str:
    parts = [f"#### {title}", about]
    if rows:
        parts.append(_table(("argument", "type", "default", "what it is"), rows))
    parts.append(f"{answer}\n\n" + "\n".join(f"- `{name}`: {text}" for name, text in returns.items()))
    if errors:
        parts.append("Errors:\n\n" + "\n".join(f"- {text}" for text in errors))
    return "\n\n".join(parts)


def _error(entry: tuple[str, str]) -> str:
    return f"`{entry[0]}`: {entry[1]}"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _plain(annotation: Any) -> str:
    """A type as the signature has it, without what says nothing."""
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    return str(text).replace("dict[str, Any]", "dict")


def _default(parameter: inspect.Parameter) -> str:
    return "needed" if parameter.default is inspect.Parameter.empty else f"`{parameter.default!r}`"


def _kind(schema: dict[str, Any]) -> str:
    """What an argument of a tool may be, in words."""
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if schema["type"] == "array":
        return f"list of {schema['items']['type']}s"
    if schema["type"] == "object":
        return "object of settings"
    limits = [f"{word} {schema[key]:g}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in schema]
    return " ".join([str(schema["type"]), *limits])


def _keys(item: Field[Any]) -> str:
    """What files call a setting, and its other name where it has one."""
    from ga2app.config.reading import key_of

    key = key_of(item)
    return f"`{key}`" if key == item.name else f"`{key}` (also `{item.name}`)"


def _settings(title: str, section: Any, items: Sequence[Field[Any]], helps: dict[str, str], path: str = "") -> str:
    """A section's table; a setting that the Train page has no help for has its own here, or KeyError is raised."""
    from ga2app.config.reading import key_of

    rows = [(_keys(item), f"`{_told(getattr(section, item.name))}`", helps[f"{path}{key_of(item)}"]) for item in items]
    return f"#### {title}\n\n{inspect.getdoc(section)}\n\n{_table(('setting', 'default', 'what it is'), rows)}"


def _told(value: object) -> str:
    """A value as one would write it; a member of an enum by its text, which does as well."""
    if inspect.isfunction(value):
        return value.__name__
    return repr(str(value)) if isinstance(value, str) else repr(value)


def _leaves(parser: argparse.ArgumentParser, command: str) -> list[tuple[str, argparse.ArgumentParser, str]]:
    """The commands below ``parser`` that can be called, each with its own parser and its help."""
    found = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {one.dest: one.help or "" for one in action._choices_actions}
            for name, below in action.choices.items():
                deeper = _leaves(below, f"{command} {name}")
                found += deeper or [(f"{command} {name}", below, helps[name])]
    return found


def _command(command: str, parser: argparse.ArgumentParser, about: str) -> str:
    actions = [one for one in parser._actions if not isinstance(one, argparse._HelpAction)]
    needed = [_usage(one) for one in actions if one.required or (not one.option_strings and one.nargs != "?")]
    rows = [(f"`{_usage(one)}`", _help(one)) for one in actions]
    title = " ".join([command, *needed])
    return f"#### `{title}`\n\n{about[:1].upper()}{about[1:]}.\n\n{_table(('argument', 'what it is'), rows)}"


def _usage(action: argparse.Action) -> str:
    metavar = action.metavar or (
        "{" + ",".join(map(str, action.choices)) + "}" if action.choices else action.dest.upper()
    )
    value = "" if action.nargs == 0 else f" {metavar}{'…' if action.nargs in ('+', '*') else ''}"
    return f"{action.option_strings[-1]}{value}" if action.option_strings else value.strip()


def _help(action: argparse.Action) -> str:
    text = (action.help or "").replace("%%", "%")
    return f"{text} (needed)".strip() if action.required and action.option_strings else text


def _named(thing: Any, title: str) -> str:
    """A public function or class: how it is called, what it says, and for a class its methods and properties."""
    parts = [f"#### `{title}`", f"```py\n{_call(thing)}\n```", _rendered(thing)]
    for name, member in members(thing).items():
        if isinstance(member, property):
            parts.append(f"`.{name}`: {inspect.getdoc(member)}")
        else:
            parts.append(f"```py\n.{_call(member)}\n```\n\n{_rendered(member)}")
    return "\n\n".join(part for part in parts if part)


def _rendered(thing: Any) -> str:
    """A docstring as Markdown: entries of ``Args`` and ``Raises`` as lists, the example as code."""
    parts = []
    for section in re.split(r"\n\n(?=\w+:\n    )", inspect.getdoc(thing) or ""):
        title, _, body = section.partition(":\n    ")
        body = textwrap.dedent(f"    {body}")
        if title in ("Args", "Raises"):
            entries = re.sub(r"\n +", " ", body)
            listed = re.sub(r"^(\w+): ", r"- `\1`: ", entries, flags=re.MULTILINE)
            parts.append(f"{'Arguments' if title == 'Args' else 'Errors'}:\n\n{listed}")
        elif title == "Returns":
            parts.append(f"Returns: {' '.join(body.split())}")
        elif title == "Example":
            parts.append(f"```pycon\n{body}\n```")
        else:
            parts.append(section)
    return "\n\n".join(parts)


def _call(thing: Any) -> str:
    """A call as one would write it, with types and defaults, a line for each argument where there are many."""
    function = thing.__init__ if inspect.isclass(thing) else thing
    signature = inspect.signature(function)
    shown, star = [], False
    for parameter in signature.parameters.values():
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and not star:
            shown.append("*")
            star = True
        default = "" if parameter.default is inspect.Parameter.empty else f" = {_told(parameter.default)}"
        shown.append(f"{parameter.name}: {_plain(parameter.annotation)}{default}")
    answer = "" if inspect.isclass(thing) else f" -> {_plain(signature.return_annotation)}"
    line = f"{thing.__name__}({', '.join(shown)}){answer}"
    if len(line) <= _WIDTH:
        return line
    inner = ",\n    ".join(shown)
    return f"{thing.__name__}(\n    {inner},\n){answer}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 if there is something to write")
    check = parser.parse_args().check
    sys.path.insert(0, str(PROJECT))
    text = DOCUMENT.read_text(encoding="utf-8")
    fresh = written(text)
    if check and fresh != text:
        sys.exit(HINT)
    if not check:
        DOCUMENT.write_text(fresh, encoding="utf-8")


if __name__ == "__main__":
    main()
