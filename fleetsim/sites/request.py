"""What is asked of `fleetsim site`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from networks.errors import FleetsimError

Kind = Literal["public", "swap", "hydrogen"]
Model = Literal["maximal", "set", "median", "center", "gradual"]
KINDS = ("public", "swap", "hydrogen")
MODELS = ("maximal", "set", "median", "center", "gradual")


@dataclass(frozen=True)
class Request:
    """One question: which stations of a kind to open in a city.

    Parameters
    ----------
    kind
        Kind of station.
    model
        What is sought: `maximal` and `gradual` covering, the `set` that keeps the standard everywhere, the smallest
        mean way (`median`) or the smallest longest way (`center`).
    years
        Years in which stations stand, rising; several are planned together and nothing is taken back.
    numbers
        New stations up to each year, rising; empty: no limit.
    budgets_cny
        Money for new stations up to each year, rising [CNY]; empty: no limit.
    demand
        `residents`, `jobs`, a result folder, or a file.
    stations, candidates, forbidden
        Files in place of the city's stations, in addition to its places, and of areas where nothing may stand.
    relocate
        Most stations that stand and may close, so that as many others open in their place.
    leave_out
        Whether the `set` leaves out what no candidate reaches.
    plans, loss
        How many different plans, and the share of the gain each may give up [0 to 1].
    curve
        Numbers of new stations for the curve of coverage.
    time_limit_s
        Wall time of the search [s].
    """

    kind: Kind = "public"
    model: Model = "maximal"
    years: tuple[int, ...] = (2025,)
    numbers: tuple[int, ...] = ()
    budgets_cny: tuple[float, ...] = ()
    demand: str = "residents"
    stations: Path | None = None
    candidates: Path | None = None
    forbidden: Path | None = None
    relocate: int = 0
    leave_out: bool = False
    plans: int = 1
    loss: float = 0.02
    curve: tuple[int, ...] = ()
    time_limit_s: float = 60.0

    def __post_init__(self) -> None:
        """Refuse what contradicts itself.

        Raises
        ------
        FleetsimError
            With every contradiction at once.
        """
        problems = [*self._limits(), *self._extras()]
        if problems:
            raise FleetsimError(problems)

    def _limits(self) -> list[str]:
        checks = [
            (not self.years or not _rising(self.years), f"--years {_told(self.years)}: give rising years"),
            (self.model != "set" and not (self.numbers or self.budgets_cny), "give --number, --budget or --standard"),
            (not _rising_or_same(self.numbers), f"--number {_told(self.numbers)}: numbers must not fall"),
            (not _rising_or_same(self.budgets_cny), f"--budget {_told(self.budgets_cny)}: budgets must not fall"),
            (any(each < 0 for each in (*self.numbers, *self.budgets_cny)), "--number, --budget: give 0 or more"),
        ]
        problems = [text for wrong, text in checks if wrong]
        for option, values in (("--number", self.numbers), ("--budget", self.budgets_cny)):
            if values and len(values) != len(self.years):
                problems.append(f"{option}: {len(values)} values for {len(self.years)} years; give one a year")
        return problems

    def _extras(self) -> list[str]:
        several, needs_number = len(self.years) > 1, self.model in ("median", "center")
        checks = [
            (needs_number and not self.numbers, f"--model {self.model} needs --number: it has no budget"),
            (needs_number and bool(self.budgets_cny), f"--model {self.model} takes --number, not --budget"),
            (several and self.model != "maximal", "--years with several years plans with --model maximal only"),
            (self.relocate > 0 and self.model != "maximal", "--relocate works with --model maximal only"),
            (self.relocate > 0 and (several or not self.numbers), "--relocate needs --number and a single year"),
            (self.relocate < 0, f"--relocate {self.relocate}: give 0 or more"),
            (
                self.relocate > 0 and bool(self.budgets_cny),
                "--relocate takes no --budget: what closing pays is not known",
            ),
            (self.plans > 1 and (self.model != "maximal" or several), "--plans works with --model maximal, one year"),
            (bool(self.curve) and (self.model != "maximal" or several), "--curve works with --model maximal, one year"),
            (self.plans < 1, f"--plans {self.plans}: give 1 or more"),
            (not 0.0 <= self.loss <= 1.0, f"--loss {self.loss}: give a share between 0 and 1"),
            (any(number < 1 for number in self.curve), "--curve: give numbers of at least 1"),
            (self.time_limit_s <= 0, f"--time {self.time_limit_s}: give more than 0 s"),
        ]
        return [text for wrong, text in checks if wrong]


def _rising(values: Sequence[float]) -> bool:
    return all(low < high for low, high in itertools.pairwise(values))


def _rising_or_same(values: Sequence[float]) -> bool:
    return all(low <= high for low, high in itertools.pairwise(values))


def _told(values: Sequence[float]) -> str:
    return ",".join(f"{value:g}" for value in values)
