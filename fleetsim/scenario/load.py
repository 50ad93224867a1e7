"""Reading scenario files: TOML, `extends`, overrides, and every mistake named at once."""

import difflib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from fleetsim.datasets import data_root
from networks.errors import ScenarioError

ModelT = TypeVar("ModelT", bound=BaseModel)

Tree = dict[str, Any]
LONGEST_CHAIN = 10


@dataclass(frozen=True)
class Source:
    """A tree of values and, for each dotted key, the file it came from."""

    tree: Tree
    origin: dict[str, Path]
    name: str


def shipped_path(name: str) -> Path:
    """Return the file of a shipped scenario.

    Raises
    ------
    ScenarioError
        When no scenario of that name ships.
    """
    folder = data_root() / "scenarios"
    known = sorted(path.stem for path in folder.glob("*.toml"))
    if name not in known:
        raise ScenarioError(f"scenario {name!r} does not ship with fleetsim; shipped are {', '.join(known)}")
    return folder / f"{name}.toml"


def read(path: Path, changes: list[str], model: type[BaseModel] | None = None) -> Source:
    """Return the values of a scenario file, those it extends below it, overrides on top.

    An override of one entry of a table that no file gives leaves the other entries as `model` has them.
    """
    tree: Tree = {}
    origin: dict[str, Path] = {}
    for file, values in reversed(_chain(path)):
        _merge(tree, values, origin, file, "")
    for change in changes:
        _apply_override(tree, change, model)
    tree.setdefault("name", path.stem)
    _anchor_city(tree, origin)
    return Source(tree, origin, str(path))


def put(tree: Tree, keys: list[str], value: Any) -> None:
    """Set the value at a path of keys, making tables on the way."""
    for key in keys[:-1]:
        below = tree.setdefault(key, {})
        if not isinstance(below, dict):
            raise ScenarioError(f"{'.'.join(keys)}: {key!r} is a value, not a section; correct the key")
        tree = below
    tree[keys[-1]] = value


def validate(model: type[ModelT], source: Source) -> ModelT:
    """Return the checked model of a source.

    Raises
    ------
    ScenarioError
        One line a mistake: file, line, key, fault, value, remedy.
    """
    try:
        return model.model_validate(source.tree)
    except ValidationError as error:
        raise ScenarioError([_message(source, model, dict(fault)) for fault in error.errors()]) from error


def _chain(path: Path) -> list[tuple[Path, Tree]]:
    files: list[tuple[Path, Tree]] = []
    while True:
        if any(path == seen for seen, _ in files) or len(files) >= LONGEST_CHAIN:
            raise ScenarioError(f"{path}: `extends` runs in a circle; remove one of them")
        values = _parse(path)
        files.append((path, values))
        parent = values.pop("extends", None)
        if parent is None:
            return files
        path = _parent_path(path, str(parent))


def _parent_path(path: Path, parent: str) -> Path:
    beside = path.parent / parent
    return beside if beside.is_file() else shipped_path(Path(parent).stem)


def _parse(path: Path) -> Tree:
    if not path.is_file():
        raise ScenarioError(f"{path}: no such scenario file; `fleetsim init FOLDER` writes one to start from")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: is not valid TOML ({error}); correct the line") from error


def _merge(tree: Tree, values: Tree, origin: dict[str, Path], file: Path, prefix: str) -> None:
    for key, value in values.items():
        dotted = f"{prefix}{key}"
        origin[dotted] = file
        if isinstance(value, dict) and isinstance(tree.get(key), dict):
            _merge(tree[key], value, origin, file, f"{dotted}.")
        else:
            tree[key] = value


def _apply_override(tree: Tree, change: str, model: type[BaseModel] | None) -> None:
    key, separator, text = change.partition("=")
    if not separator or not key.strip():
        raise ScenarioError(f"--set {change!r}: write it as key=value, e.g. run.seed=2")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    keys = key.strip().split(".")
    if model is not None:
        _keep_others(tree, keys, model)
    put(tree, keys, value)


def _keep_others(tree: Tree, keys: list[str], model: type[BaseModel]) -> None:
    """Put the default of a table into the tree if an entry of it is about to be set and no file gives the table."""
    section = model.model_fields[keys[0]].annotation if keys[0] in model.model_fields else None
    if len(keys) < 3 or not (isinstance(section, type) and issubclass(section, BaseModel)):
        return
    field, own = section.model_fields.get(keys[1]), tree.setdefault(keys[0], {})
    default = None if field is None else field.get_default(call_default_factory=True)
    if isinstance(default, dict) and isinstance(own, dict) and keys[1] not in own:
        own[keys[1]] = _by_text(default)


def _by_text(table: dict[Any, Any]) -> Tree:
    """Return a table as TOML has it: keys are texts, also years."""
    return {str(key): _by_text(value) if isinstance(value, dict) else value for key, value in table.items()}


def _anchor_city(tree: Tree, origin: dict[str, Path]) -> None:
    # A city given as a path is meant relative to the file that names it.
    city = tree.get("run", {}).get("city") if isinstance(tree.get("run"), dict) else None
    file = origin.get("run.city", origin.get("run"))
    if isinstance(city, str) and file is not None and (file.parent / city).is_dir():
        tree["run"]["city"] = str((file.parent / city).resolve())


def _message(source: Source, model: type[BaseModel], fault: dict[str, Any]) -> str:
    keys = [str(part) for part in fault["loc"] if part != "[key]"]
    dotted = ".".join(keys)
    place = _place(source, keys)
    if fault["type"] == "extra_forbidden":
        return f"{place}: {dotted} is unknown; {_nearest(model, keys)}"
    wording = str(fault["msg"]).removeprefix("Input ").removeprefix("Value error, ")
    return f"{place}: {dotted} = {fault['input']!r} {wording}; correct the value"


def _place(source: Source, keys: list[str]) -> str:
    for depth in range(len(keys), 0, -1):
        file = source.origin.get(".".join(keys[:depth]))
        if file is not None:
            line = _line_of(file, keys)
            return f"{file}, line {line}" if line else str(file)
    return source.name


def _line_of(file: Path, keys: list[str]) -> int | None:
    header = ""
    best: int | None = None
    for number, raw in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        line = raw.strip()
        if line.startswith("["):
            header = line.strip("[]").strip()
            if header == keys[0] and best is None:
                best = number
        name = line.partition("=")[0].strip().strip('"')
        dotted = f"{header}.{name}" if header else name
        if "=" in line and dotted and ".".join(keys).startswith(dotted) and dotted.count(".") > 0:
            best = number
    return best


def _nearest(model: type[BaseModel], keys: list[str]) -> str:
    fields: dict[str, Any] = dict(model.model_fields)
    for key in keys[:-1]:
        annotation = fields[key].annotation if key in fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            break
        fields = dict(annotation.model_fields)
    close = difflib.get_close_matches(keys[-1], fields, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known keys are {', '.join(sorted(fields)) or 'none'}"
