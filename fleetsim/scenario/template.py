"""The commented scenario folder that `fleetsim init` writes: every key with its manual entry."""

import textwrap
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from fleetsim.scenario.load import shipped_path
from fleetsim.scenario.scenario import Scenario
from networks.errors import DataError

HEAD = """\
# A scenario of fleetsim. It extends {base!r}, which ships; only what you write here differs from it.
# Every key stands below with its meaning and the value it has now, commented out: remove the # to change one.
# `fleetsim check` names every mistake; `fleetsim run` runs it.

extends = "{base}.toml"
name = "{name}"
title_en = "My scenario"
title_zh = "我的情景"
"""


def write_folder(folder: Path, base: str) -> Path:
    """Write `scenario.toml` into a new folder and return the file's path.

    Raises
    ------
    DataError
        When the folder holds a scenario already or cannot be written.
    """
    target = folder / "scenario.toml"
    text = template(base, folder.resolve().name)
    if target.exists():
        raise DataError(f"{target}: exists already; choose another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{target}: cannot be written ({error.strerror}); choose another folder") from error
    return target


def template(base: str, name: str) -> str:
    """Return the commented TOML of a scenario that extends the shipped scenario `base`."""
    scenario = Scenario.read(shipped_path(base))
    parts = [HEAD.format(base=base, name=name)]
    for key, field in Scenario.model_fields.items():
        section = getattr(scenario, key)
        if isinstance(section, BaseModel):
            parts.append(_section(key, field, section))
    return "\n".join(parts)


def _section(key: str, field: FieldInfo, section: BaseModel) -> str:
    lines = [f"[{key}]  # {(type(section).__doc__ or '').strip().splitlines()[0]}"]
    for name, entry in type(section).model_fields.items():
        lines += textwrap.wrap(entry.description or "", 110, initial_indent="# ", subsequent_indent="# ")
        lines.append(f"# {name} = {to_toml(getattr(section, name))}")
    return "\n".join(lines) + "\n"


def to_toml(value: Any) -> str:
    """Return a value as TOML text (one line)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, BaseModel):
        return to_toml({key: part for key, part in value.model_dump().items() if part is not None})
    if isinstance(value, dict):
        inner = ", ".join(f"{_key(key)} = {to_toml(part)}" for key, part in value.items() if part is not None)
        return "{ " + inner + " }" if inner else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(to_toml(part) for part in value) + "]"
    return str(value)


def _key(key: object) -> str:
    text = str(key)
    return text if text.replace("_", "").replace("-", "").isalnum() and text.isascii() else to_toml(text)


def resolved(scenario: Scenario) -> str:
    """Return the whole scenario as TOML, every value written out: it can be run again as it is."""
    lines = [f"{key} = {to_toml(getattr(scenario, key))}" for key in ("name", "title_en", "title_zh")]
    for key in Scenario.model_fields:
        section = getattr(scenario, key)
        if isinstance(section, BaseModel):
            values = [(name, getattr(section, name)) for name in type(section).model_fields]
            lines += ["", f"[{key}]"]
            lines += [f"{name} = {to_toml(value)}" for name, value in values if value is not None]
    return "\n".join(lines) + "\n"
