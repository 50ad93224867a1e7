"""Policies from a planner's own Python file."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from fleetsim.engine.policies import Policies
from networks.errors import ScenarioError


def read_policies(path: Path) -> Policies:
    """Return the policies of a file: every function named as one of `Policies` takes its place.

    Raises
    ------
    ScenarioError
        If there is no such file, it is not Python, or it defines none of them.
    """
    names = [field.name for field in fields(Policies)]
    scope: dict[str, Any] = {"__name__": path.stem}
    try:
        text = path.read_text(encoding="utf-8")
        exec(compile(text, str(path), "exec"), scope)
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read ({error.strerror}); give a Python file") from error
    except SyntaxError as error:
        raise ScenarioError(f"{path}, line {error.lineno}: {error.msg}; correct it") from error
    own = {name: scope[name] for name in names if callable(scope.get(name))}
    if not own:
        raise ScenarioError(f"{path}: defines none of the policies {', '.join(names)}; define at least one")
    return Policies(**own)
