"""A stock and depots for a city that brought none: vehicles by residents, buses by the timetable, depots by need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl

from fleetsim.duties.timetable import day_trips
from fleetsim.scenario.sections import DutiesSection
from fleetsim.tables import StockShare
from networks.import_rules import stock_rules
from networks.tables import Place
from networks.zones import largest_remainder

BUS_FLEET = "bus_municipal"
AIRSIDE_FLEET = "airside"
CITY_WIDE = "all"
KEYS = ["fleet", "powertrain", "operator", "exempt_reason"]
WORK_KINDS = ("logistics_park", "wholesale_market", "waste_plant", "rail_station_freight")
"""Kinds of place that lie where jobs are; depots lie where people are."""


def stock_by_rule(
    donor: pl.DataFrame, ratio: float, city: Mapping[str, Any], section: DutiesSection | None = None
) -> dy.DataFrame[StockShare]:
    """Return the base-year stock of a city from that of another.

    Parameters
    ----------
    donor
        Table `StockShare` of the donor.
    ratio
        Residents of the city over those of the donor.
    city
        Its tables districts, places, lines, line_hours and trips.
    section
        Reserve and layover of buses.

    Notes
    -----
    Every group of the donor's stock times the ratio, in whole vehicles, spread over the districts by residents.
    Municipal buses are those the timetable needs (blocks over 1 - reserve), by the district of the depot, with the
    donor's powertrains; none without a timetable. Airside vehicles stand where airports are; none without one. Every
    row is an assumption.
    """
    groups = donor.group_by(KEYS, maintain_order=True).agg(pl.col("vehicles").sum()).sort(KEYS)
    people = dict(city["districts"].select("district", pl.col("population").cast(pl.Float64)).iter_rows())
    airports = city["places"].filter(pl.col("kind").cast(pl.String) == "airport")
    flights = _sums(airports["district"].to_list(), airports["size"].to_list())
    parts = [_buses(groups, _bus_need(city, section or DutiesSection()))]
    for row in groups.filter(pl.col("fleet") != BUS_FLEET).iter_rows(named=True):
        where = flights if row["fleet"] == AIRSIDE_FLEET else people
        parts.append(_spread(row, row["vehicles"] * ratio, where))
    rows = [one for part in parts for one in part if one["vehicles"] > 0]
    return StockShare.validate(pl.DataFrame(rows).sort(*KEYS, "district"), cast=True)


def places_by_rule(places: dy.DataFrame[Place], needed: list[str], zones: pl.DataFrame) -> dy.DataFrame[Place]:
    """Return the places, with one a district of each needed kind that nobody brought.

    Parameters
    ----------
    places
        Places of the city, perhaps none.
    needed
        Kinds of place duties start from or lead to.
    zones
        Zones of the city.

    Notes
    -----
    Markets, logistics parks and plants are put into the district's zone with the most jobs, depots into that
    with the most residents. Such rows are synthetic.
    """
    present = set(places["kind"].cast(pl.String))
    rows = [_place(kind, zone) for kind in needed if kind not in present for zone in _busiest(zones, kind)]
    if not rows:
        return places
    made = Place.validate(pl.DataFrame(rows), cast=True)
    return Place.validate(pl.concat([places, made]).sort("place"))


def needed_kinds(tours: pl.DataFrame) -> list[str]:
    """Return the kinds of place that tours start from and unload at, from the table `TourPattern`."""
    kinds = pl.concat([tours["base_kind"].cast(pl.String), tours["unload_kind"].cast(pl.String)])
    return kinds.drop_nulls().unique().sort().to_list()


def _busiest(zones: pl.DataFrame, kind: str) -> list[dict[str, Any]]:
    weight = "jobs" if kind in WORK_KINDS else "population"
    order = zones.sort([weight, "zone"], descending=[True, False])
    return order.unique("district", keep="first", maintain_order=True).sort("district").rows(named=True)


def _place(kind: str, zone: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "place": f"{kind}-{zone['district']}",
        "name": f"{kind.replace('_', ' ')}, {zone['district']}",
        "name_zh": f"{zone['district']}（示意）",
        "kind": kind,
        "district": zone["district"],
        "lon": zone["lon"],
        "lat": zone["lat"],
        "size": 1.0,
        "accuracy_m": stock_rules().depot_accuracy_m,
        "basis": "synthetic",
    }


def _spread(row: Mapping[str, Any], vehicles: float, where: Mapping[str, float]) -> list[dict[str, Any]]:
    total = round(vehicles)
    weights = np.array(list(where.values()), dtype=np.float64)
    if not total or not weights.sum() > 0.0:
        return []
    numbers = largest_remainder(weights, total)
    return [_row(row, district, int(number)) for district, number in zip(where, numbers, strict=True)]


def _row(row: Mapping[str, Any], district: str, vehicles: int) -> dict[str, Any]:
    return {**{name: row[name] for name in KEYS}, "district": district, "vehicles": vehicles, "basis": "assumption"}


def _buses(groups: pl.DataFrame, need: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the municipal buses: what each district's depots need, with the donor's powertrains, none exempt."""
    own = groups.filter(pl.col("fleet") == BUS_FLEET).group_by("fleet", "powertrain", maintain_order=True)
    mix = (
        own.agg(pl.col("vehicles").sum())
        .sort("powertrain")
        .with_columns(operator=pl.lit(CITY_WIDE), exempt_reason=pl.lit("none"))
    )
    rows = []
    for district, number in need.items():
        shares = largest_remainder(mix["vehicles"].to_numpy(), number)
        rows += [_row(row, district, int(part)) for row, part in zip(mix.iter_rows(named=True), shares, strict=True)]
    return rows


def _bus_need(city: Mapping[str, Any], section: DutiesSection) -> dict[str, int]:
    """Return the buses the timetable needs on a weekday or weekend day, the more, by the district of their depot."""
    if city["lines"].is_empty():
        return {}
    home = city["places"].select("district", depot="place")
    parts = []
    for weekend in (False, True):
        tables = (city["trips"], city["places"], city["lines"], city["line_hours"])
        trips = day_trips(*tables, section, weekend=weekend)
        blocks = trips.group_by("block", maintain_order=True).agg(pl.col("depot").first()).join(home, on="depot")
        parts.append(blocks.group_by("district", maintain_order=True).len())
    counts = pl.concat(parts).group_by("district", maintain_order=True).agg(pl.col("len").max()).sort("district")
    return {name: int(np.ceil(number / (1.0 - section.bus_reserve_share))) for name, number in counts.iter_rows()}


def _sums(names: list[str], amounts: list[float]) -> dict[str, float]:
    result: dict[str, float] = {}
    for name, amount in zip(names, amounts, strict=True):
        result[name] = result.get(name, 0.0) + max(amount, 1e-6)
    return dict(sorted(result.items()))
