"""fleetsim simulates how a city's vehicles become electric and hydrogen vehicles."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fleetsim.pipeline import run
    from fleetsim.result import Result
    from fleetsim.scenario.scenario import Scenario

__version__ = "0.1.0"
__all__ = ["Result", "Scenario", "run"]

_WHERE = {"Result": "fleetsim.result", "Scenario": "fleetsim.scenario.scenario", "run": "fleetsim.pipeline"}


def __getattr__(name: str) -> Any:
    """Import the public names on first use, so that `import fleetsim` stays light."""
    if name not in _WHERE:
        raise AttributeError(f"module 'fleetsim' has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)
