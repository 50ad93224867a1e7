"""The legs of a day as an engine takes them, and what each of them uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fleetsim.engine.plan import FleetPlan
from fleetsim.engine.spec import NEVER_US, SECOND_US, BoolArray, IntArray, Legs, needed
from fleetsim.vehicles import FloatArray, LegUse
from networks.compiled import compiled

DRIVING = ("legs", "kind", "type_row", "home_plug")


@dataclass(frozen=True, slots=True)
class Driven:
    """The legs of all plans and of the arrivals after them, and what each of them takes: see `DayModel`."""

    legs: Legs
    distance_km: FloatArray
    stored: FloatArray
    fuel: FloatArray


def driven_legs(
    plans: Sequence[FleetPlan],
    everyone: pl.DataFrame,
    arrivals: pl.DataFrame,
    use: Callable[[FleetPlan, IntArray], LegUse],
) -> Driven:
    """Return the legs of the day, written plan by plan into the columns of all.

    Parameters
    ----------
    plans
        The simulated fleets.
    everyone
        Of their vehicles, then of the arrivals: legs, kind, type_row, home_plug.
    arrivals
        Table `BackgroundArrival`.
    use
        What the legs of a plan take, by the type of each leg's vehicle.
    """
    driven = _no_legs(int(everyone["legs"].sum()))
    vehicle, leg = 0, 0
    for plan in plans:
        own = everyone.slice(vehicle, plan.vehicles.height)
        vehicle, end = vehicle + own.height, leg + plan.legs.height
        number = own["legs"].to_numpy()
        took = use(plan, own["type_row"].to_numpy().repeat(number))
        _write_legs(driven.legs, slice(leg, end), plan.legs)
        takes, parks = (own["kind"] > 0).to_numpy(), own["home_plug"].to_numpy()
        _write_energy(took.stored, number, takes, parks, (driven.legs.energy[leg:end], driven.legs.at_depot[leg:end]))
        driven.distance_km[leg:end] = plan.legs["distance_km"].to_numpy()
        driven.stored[leg:end], driven.fuel[leg:end] = took.stored, took.fuel
        leg = end
    _write_arrivals(driven.legs, leg, arrivals)
    return driven


def _no_legs(size: int) -> Driven:
    """Return columns in which nothing is driven yet."""
    given: dict[str, Any] = {name: np.zeros(size, np.int64) for name in needed(Legs)}
    given |= {name: np.zeros(size, np.bool_) for name in ("may_charge", "at_depot", "timed")}
    return Driven(Legs(**given), np.zeros(size), np.zeros(size), np.zeros(size))


def _write_legs(to: Legs, rows: slice, legs: pl.DataFrame) -> None:
    """Write the legs of a fleet, without their energy."""
    for name in ("depart", "drive", "dwell"):
        np.multiply(legs[f"{name}_s"].to_numpy(), SECOND_US, out=getattr(to, name)[rows], dtype=np.int64)
    for name in ("zone", "may_charge", "at_depot", "timed"):
        getattr(to, name)[rows] = legs[name].to_numpy()
    latest = legs["latest_s"]
    to.latest[rows] = NEVER_US
    limited = np.flatnonzero(latest.is_not_null().to_numpy())
    to.latest[rows][limited] = latest.drop_nulls().to_numpy().astype(np.int64) * SECOND_US


@compiled
def _write_energy(
    stored: FloatArray, number: IntArray, takes: BoolArray, parks: BoolArray, to: tuple[IntArray, BoolArray]
) -> None:
    """Write energy and stay of the legs of vehicles with `number` of them each: one that `parks` ends at its plug."""
    energy, at_depot = to
    leg = 0
    for vehicle in range(len(number)):
        for _ in range(number[vehicle]):
            energy[leg] = np.int64(np.rint(stored[leg] * 1000)) if takes[vehicle] else 0
            leg += 1
        if parks[vehicle] and number[vehicle] > 0:
            at_depot[leg - 1] = True


def _write_arrivals(to: Legs, first: int, arrivals: pl.DataFrame) -> None:
    """Write one leg an arrival: it stands where it looks for a plug."""
    to.depart[first:] = arrivals["arrive_s"].to_numpy() * SECOND_US
    to.zone[first:] = arrivals["zone"].to_numpy()
    to.may_charge[first:] = True
    to.latest[first:] = NEVER_US
