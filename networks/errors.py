"""The errors a user can fix. Anything else that is raised is a bug and keeps its traceback."""

from collections.abc import Sequence


class FleetsimError(Exception):
    """Base of every error the user can fix.

    Parameters
    ----------
    problems
        One message, or one message a fault: the place, the fault, the value, the remedy.
    """

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems: tuple[str, ...] = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class DataError(FleetsimError, ValueError):
    """A table or file is missing, unreadable or breaks its schema."""


class ScenarioError(FleetsimError, ValueError):
    """A scenario file has an unknown key or a value outside its bounds."""


class InfeasibleError(FleetsimError, ValueError):
    """What was asked cannot be met; the message names the constraint and by how much it must be relaxed."""
