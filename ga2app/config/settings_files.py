"""Settings in a file: JSON in any encoding that editors write, each setting once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ga2app.config.sections import RunConfig
from ga2app.errors import ConfigError, Fault
from ga2app.untrusted import parse_json, read_ordinary

LARGEST_BYTES = 1_000_000
_HOW = "train --preset quick --print-config, and Save settings on Train, write one"


def read_settings_file(path: str | Path, shown: str = "") -> Any:
    """What the file at ``path`` holds: settings, or those that a bundle's manifest has under "config".

    UTF-8 and UTF-16 are read, with a byte order mark or without. Raises ConfigError, which calls the file ``shown``,
    for a file that is not there or no JSON, and for what stands in it twice: JSON itself would drop the first.
    """
    shown, file = shown or str(path), Path(path)
    try:
        raw = read_ordinary(file, LARGEST_BYTES)
    except FileNotFoundError as exc:
        raise ConfigError([Fault(shown, f"there is no such file; {_HOW}, and --preset needs none")]) from exc
    except IsADirectoryError as exc:
        raise ConfigError([Fault(shown, f"is a folder, not a file of settings; {_HOW}")]) from exc
    except OSError as exc:
        raise ConfigError([Fault(shown, f"cannot be read ({exc.strerror or exc}); {_HOW}")]) from exc
    twice: list[str] = []
    try:
        data = parse_json(raw, twice=twice)
    except json.JSONDecodeError as exc:
        text = f"is no JSON (line {exc.lineno}, column {exc.colno}: {exc.msg}); {_HOW}"
        raise ConfigError([Fault(shown, text)]) from exc
    except ValueError as exc:
        raise ConfigError([Fault(shown, f"is no JSON text: {exc}; {_HOW}")]) from exc
    if twice:
        rule = f"stands twice in {shown}, and only one of them can count; keep one"
        raise ConfigError([Fault(name, rule) for name in dict.fromkeys(twice)])
    if isinstance(data, Mapping) and "format_version" in data and isinstance(data.get("config"), Mapping):
        return dict(data["config"])
    return data


def load_settings(path: str | Path) -> RunConfig:
    """The settings in a file. Raises ConfigError with every fault in it, each at its field."""
    return RunConfig.from_dict(read_settings_file(path, Path(path).name))


def settings_text(config: RunConfig) -> str:
    """Every setting of a run as JSON, as Save settings writes it."""
    return json.dumps(config.to_dict(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
