"""What is asked of `fleetsim site`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from networks.errors import FleetsimError

Kind = Literal["public", "swap", "hydrogen"]
Model = Literal["maximal", "set", "median", "center", "gradual", "capacitated", "service", "flow"]
KINDS = ("public", "swap", "hydrogen")
MODELS = ("maximal", "set", "median", "center", "gradual", "capacitated", "service", "flow")
NO_FLEETS = {
    "center": "the longest way counts alone, whoever drives it",
    "service": "a bay serves whoever comes, so that one visit counts like another",
    "flow": "its trips are not told apart by fleet",
}
"""Models that do not tell fleets apart, and why."""
BY_NUMBER = ("median", "center", "capacitated", "flow")
"""Models that open a given number and know no budget."""


@dataclass(frozen=True)
class FleetWeight:
    """How much the demand of a group of fleets counts, and how far it drives to a station [km]; None: the standard."""

    group: str
    importance: float
    reach_km: float | None


@dataclass(frozen=True)
class Request:
    """One question: which stations of a kind to open in a city.

    Parameters
    ----------
    kind
        Kind of station.
    model
        What is sought: `maximal` and `gradual` covering, the `set` that keeps the standard everywhere, the smallest
        mean way (`median`, with capacities `capacitated`) or the smallest longest way (`center`), most demand
        served within waits and supply (`service`), most vehicles that get through on their route (`flow`).
    years
        Years in which stations stand, rising; several are planned together and nothing is taken back.
    numbers
        New stations up to each year, rising; empty: no limit.
    budgets_cny
        Money for new stations up to each year, rising [CNY]; empty: no limit. With `supply`: CNY a year.
    demand
        `residents`, `jobs`, a result folder, or a file.
    stations, candidates, forbidden
        Files in place of the city's stations, in addition to its places, and of areas where nothing may stand.
    relocate, enlarge
        Most stations that stand and may close, so that as many others open in their place; that may be enlarged.
    leave_out
        Whether the `set` leaves out what no candidate reaches.
    plans, loss
        How many different plans, and the share of the gain each may give up [0 to 1].
    curve
        Numbers of new stations for the curve of coverage.
    time_limit_s
        Wall time of the search [s].
    only_candidates
        Whether the sites of `candidates` are the only ones.
    simulate
        Most rounds of siting and simulating the design day; 0: none.
    fleets
        Which groups of fleets count, by how much and how far they drive; empty: all alike. Needs measured demand.
    range_km, detour_share, flows
        `flow`: way on a full tank or battery [km], how much longer than the shortest a route may be [0 to 1], and a
        file of trips in place of the gravity model's.
    serve_share
        `service` and `flow`: share of the demand that has to be served [0 to 1].
    supply
        `service` of hydrogen: a file of sources (lon, lat, kg_per_day).
    year_weights
        How much each of several years counts, above 0; empty: 1 each.
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
    enlarge: int = 0
    leave_out: bool = False
    plans: int = 1
    loss: float = 0.02
    curve: tuple[int, ...] = ()
    time_limit_s: float = 60.0
    only_candidates: bool = False
    simulate: int = 0
    fleets: tuple[FleetWeight, ...] = ()
    range_km: float = 0.0
    detour_share: float = 0.0
    flows: Path | None = None
    serve_share: float = 0.0
    supply: Path | None = None
    year_weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what contradicts itself.

        Raises
        ------
        FleetsimError
            With every contradiction at once.
        """
        problems = [*self._limits(), *self._extras(), *self._of_model(), *self._of_simulation()]
        if problems:
            raise FleetsimError(problems)

    @property
    def importance(self) -> tuple[float, ...]:
        """How much each year counts."""
        return self.year_weights or (1.0,) * len(self.years)

    @property
    def measured(self) -> bool:
        """Whether the demand is that of simulated days."""
        return self.simulate > 0 or (self.demand not in ("residents", "jobs") and Path(self.demand).is_dir())

    def _limits(self) -> list[str]:
        checks = [
            (not self.years or not _rising(self.years), f"--years {_told(self.years)}: give rising years"),
            (self.model != "set" and not (self.numbers or self.budgets_cny), "give --number, --budget or --standard"),
            (not _rising_or_same(self.numbers), f"--number {_told(self.numbers)}: numbers must not fall"),
            (not _rising_or_same(self.budgets_cny), f"--budget {_told(self.budgets_cny)}: budgets must not fall"),
            (
                bool(self.year_weights) and (len(self.years) == 1 or self.model == "set"),
                "--year-weights goes with several --years, and not with --standard: its last year decides",
            ),
            (
                bool(self.year_weights) and len(self.year_weights) != len(self.years),
                f"--year-weights: {len(self.year_weights)} values for {len(self.years)} years; give one a year",
            ),
            (any(each <= 0 for each in self.year_weights), "--year-weights: give numbers above 0"),
            (any(each < 0 for each in (*self.numbers, *self.budgets_cny)), "--number, --budget: give 0 or more"),
        ]
        problems = [text for wrong, text in checks if wrong]
        for option, values in (("--number", self.numbers), ("--budget", self.budgets_cny)):
            if values and len(values) != len(self.years):
                problems.append(f"{option}: {len(values)} values for {len(self.years)} years; give one a year")
        return problems

    def _extras(self) -> list[str]:
        several, needs_number = len(self.years) > 1, self.model in BY_NUMBER
        closes = self.model in ("maximal", "service")
        checks = [
            (needs_number and not self.numbers, f"--model {self.model} needs --number: it has no budget"),
            (needs_number and bool(self.budgets_cny), f"--model {self.model} takes --number, not --budget"),
            (
                several and self.model == "set" and not (self.numbers or self.budgets_cny),
                "--standard with several years keeps it in the last; give --number or --budget for the years before",
            ),
            (self.relocate > 0 and not closes, "--relocate works with --model maximal or service only"),
            (self.relocate > 0 and (several or not self.numbers), "--relocate needs --number and a single year"),
            (self.relocate < 0, f"--relocate {self.relocate}: give 0 or more"),
            (
                self.relocate > 0 and bool(self.budgets_cny),
                "--relocate takes no --budget: what closing pays is not known",
            ),
            (self.plans > 1 and (self.model != "maximal" or several), "--plans works with --model maximal, one year"),
            (bool(self.curve) and (self.model != "maximal" or several), "--curve works with --model maximal, one year"),
            (
                (self.plans > 1 or bool(self.curve)) and (self.relocate > 0 or self.enlarge > 0),
                "--plans and --curve go without --relocate and --enlarge",
            ),
            (self.only_candidates and self.candidates is None, "--only needs --candidates"),
            (self.plans < 1, f"--plans {self.plans}: give 1 or more"),
            (not 0.0 <= self.loss <= 1.0, f"--loss {self.loss}: give a share between 0 and 1"),
            (any(number < 1 for number in self.curve), "--curve: give numbers of at least 1"),
            (self.time_limit_s <= 0, f"--time {self.time_limit_s}: give more than 0 s"),
        ]
        return [text for wrong, text in checks if wrong]

    def _of_model(self) -> list[str]:
        flow, service = self.model == "flow", self.model == "service"
        checks = [
            (flow and self.range_km <= 0, "--model flow needs --range, the way on a full tank or battery in km"),
            (not flow and (self.range_km > 0 or self.flows is not None), "--range and --flows go with --model flow"),
            (self.range_km < 0, f"--range {self.range_km:g}: give more than 0 km"),
            (not flow and self.detour_share > 0, "--detour goes with --model flow"),
            (self.detour_share < 0, f"--detour {self.detour_share:g}: give 0 or more"),
            (not 0.0 <= self.serve_share <= 1.0, f"--serve {self.serve_share:g}: give a share between 0 and 1"),
            (self.serve_share > 0 and not (flow or service), "--serve goes with --model service or flow"),
            (
                self.supply is not None and not (service and self.kind == "hydrogen"),
                "--supply goes with --kind hydrogen --model service",
            ),
            (
                self.supply is not None and not self.budgets_cny,
                "--supply needs --budget, the CNY a year for stations and delivery together",
            ),
        ]
        return [text for wrong, text in checks if wrong]

    def _of_simulation(self) -> list[str]:
        several = len(self.years) > 1
        checks = [
            (self.simulate < 0, f"--simulate {self.simulate}: give 0 or more rounds"),
            (self.simulate > 0 and self.model == "flow", "--simulate does not go with --model flow: no long trips"),
            (
                self.simulate > 0 and self.demand not in ("residents", "jobs"),
                "--simulate measures the demand itself; leave --demand out",
            ),
            (bool(self.fleets) and not self.measured, "--fleets needs a result folder as --demand, or --simulate"),
            (
                bool(self.fleets) and self.model in NO_FLEETS,
                f"--fleets does not go with --model {self.model}: {NO_FLEETS.get(self.model, '')}",
            ),
            (
                bool(self.fleets) and (self.relocate > 0 or self.enlarge > 0),
                "--fleets goes without --relocate and --enlarge: what stands there serves all fleets alike",
            ),
            (
                self.model in ("median", "capacitated") and any(each.reach_km is not None for each in self.fleets),
                f"--fleets with a way (@5km) does not go with --model {self.model}: it adds up ways and knows no limit",
            ),
            (
                self.model == "capacitated" and any(each.group == "residents" for each in self.fleets),
                "--fleets residents does not go with --model capacitated: it assigns visits of fleets",
            ),
            (self.enlarge < 0, f"--enlarge {self.enlarge}: give 0 or more"),
            (
                self.enlarge > 0 and self.model == "maximal" and not self.measured,
                "--enlarge needs to know who waits: a result folder as --demand, or --simulate",
            ),
            (
                self.enlarge > 0 and (self.model not in ("maximal", "service") or several),
                "--enlarge goes with --model maximal or service and a single year",
            ),
            (self.enlarge > 0 and self.relocate > 0, "--enlarge does not go with --relocate"),
            (
                self.enlarge > 0 and self.model == "maximal" and bool(self.numbers) and bool(self.budgets_cny),
                "--enlarge takes --number or --budget, not both",
            ),
        ]
        return [text for wrong, text in checks if wrong]


def _rising(values: Sequence[float]) -> bool:
    return all(low < high for low, high in itertools.pairwise(values))


def _rising_or_same(values: Sequence[float]) -> bool:
    return all(low <= high for low, high in itertools.pairwise(values))


def _told(values: Sequence[float]) -> str:
    return ",".join(f"{value:g}" for value in values)
