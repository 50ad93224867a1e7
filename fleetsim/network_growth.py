"""How the stations change from year to year: depots, new sites, larger sites, and the count of piles.

Depots follow the electric vehicles that stand there. New public, swap and hydrogen stations are sited by
maximal covering where the simulated day left demand unserved or waiting and where residents live beyond the
standard's distance. Existing public stations grow within the year's budget of piles.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from charging.sizing import expected_wait, plugs_needed
from charging.tables import PileCount, SitingReport, Station
from fleetsim.scenario.sections import at_year
from fleetsim.scenario.stations import SitingSection

OPEN_KINDS = ("public", "swap", "hydrogen")
ROUNDING = 1e-9
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SitingGround:
    """What siting looks at.

    Parameters
    ----------
    demand
        Table `SiteDemand`: what a mean day left unserved or waiting.
    zones
        Table `ZoneCoverage` of the stations that stand.
    candidates
        Table `Candidate`.
    access
        Table `Access`: zones and candidates within the largest standard of each other.
    """

    demand: pl.DataFrame
    zones: pl.DataFrame
    candidates: pl.DataFrame
    access: pl.DataFrame


def grow_depots(
    stations: pl.DataFrame, electric_by_depot: pl.DataFrame, section: SitingSection, *, year: int
) -> dy.DataFrame[Station]:
    """Return the stations with as many plugs at each depot as its electric vehicles ask for.

    Parameters
    ----------
    stations
        Table `Station`.
    electric_by_depot
        Table `DepotFleet`.
    section
        Plugs per vehicle and their power, by group of fleets.
    year
        Year in which plugs are added.

    Notes
    -----
    Plugs = vehicles x plugs per vehicle, summed over the groups at the depot and rounded up; plugs that stand
    stay. A grid connection that is given grows with the plugs.
    """
    need = _depot_need(electric_by_depot, section)
    is_depot = pl.col("kind") == "depot"
    known = stations.filter(is_depot)["station_id"].to_list()
    wanted = need.select("station_id", "needed", "electric")
    more = is_depot & (pl.col("needed") > pl.col("plugs"))
    reason = pl.format("depot rule {}: {} plugs for {} plug-in vehicles", pl.lit(year), "needed", "electric")
    grown = _with_plugs(stations.join(wanted, on="station_id", how="left"), more, pl.col("needed"), reason)
    fresh = need.filter((pl.col("needed") > 0) & ~pl.col("station_id").is_in(known))
    return _with_rows(grown, [_depot_row(row, year) for row in fresh.iter_rows(named=True)])


def site_stations(
    stations: pl.DataFrame, ground: SitingGround, section: SitingSection, *, year: int, kind: str
) -> tuple[dy.DataFrame[Station], dy.DataFrame[SitingReport]]:
    """Return the stations with the new ones of a kind, and why each was opened (table `SitingReport`).

    Parameters
    ----------
    stations
        Table `Station`.
    ground
        Demand, zones, candidates and the distances between them.
    section
        Number of new stations, standards and sizes.
    year
        Siting year.
    kind
        public, swap or hydrogen.

    Notes
    -----
    A zone weighs: visits that left unserved + waiting_weight x visits that waited too long + visits_per_1000
    x residents beyond the standard / 1,000 [visits/day]. A candidate covers the zones within their standard. The
    plan covers as much weight as its number of stations can (maximal covering); a station that would add
    nothing is not opened. What stands counts through the demand it left over and the residents it reaches.
    Each zone then goes to its nearest new station, which is sized for its peak hour.
    """
    zones = _weigh_zones(ground, section, kind)
    taken = stations["station_id"].to_list()
    free = ground.candidates.filter(~_site_id(kind).is_in(taken)).sort("candidate")
    pairs = (
        ground.access.join(free.select("candidate"), on="candidate", how="semi")
        .join(zones.filter(pl.col("weight") > 0), on="zone")
        .filter(pl.col("distance_km") <= pl.col("standard_km"))
    )
    count = min(new_stations(section, year, kind), free.height)
    if count == 0 or pairs.is_empty():
        return Station.validate(stations.sort("station_id")), SitingReport.create_empty()
    plan = _cover(pairs, count, section)
    served = _nearest_new(pairs, plan.opened).join(free, on="candidate")
    rows = [_size(row, section, year, kind) for row in served.iter_rows(named=True)]
    report = [{**_report_row(row), "year": year, "kind": kind, **plan.quality} for row in rows]
    return (
        _with_rows(stations, [_station_row(row, section, year, kind) for row in rows]),
        SitingReport.validate(pl.DataFrame(report, schema=SitingReport.create_empty().schema).sort("station_id")),
    )


def new_stations(section: SitingSection, year: int, kind: str) -> int:
    """Return how many stations of `kind` are opened in a siting year: those of all years since the last one.

    The first siting year opens the stations of one year; a year that is no siting year opens none.
    """
    if year not in section.years or kind not in section.stations_per_year:
        return 0
    before = [given for given in section.years if given < year]
    first = max(before) + 1 if before else year
    rates = [at_year(section.stations_per_year[kind], each) for each in range(first, year + 1)]
    return round(sum(rates))


def enlarge(
    stations: pl.DataFrame, station_load: pl.DataFrame, section: SitingSection, *, year: int
) -> dy.DataFrame[Station]:
    """Return the stations with more plugs where the simulated wait passed the standard.

    Parameters
    ----------
    stations
        Table `Station`, the new ones of the year among them.
    station_load
        Table `StationLoad` of the year's days.
    section
        Wait standard, service times, sizes and the budget of public piles.
    year
        Year in which plugs are added.

    Notes
    -----
    A station whose 95th percentile of the wait passed the standard, or where more than the standard's share left
    without energy, gets the plugs that queue theory asks for at its busiest hour, and at least a tenth more than it
    has. Public piles stay within the year's budget, the longest waits first; new stations of the year draw on the
    same budget. What is left of it goes to all public stations in proportion to the visits they had, as operators
    build where they sell.
    """
    table = stations.join(_busiest(station_load, year), on="station_id", how="left").sort("station_id")
    more = np.zeros(table.height, np.int64)
    asking = _asking(table, section)
    more[asking] = [_wanted_plugs(row, section) for row in table[asking].iter_rows(named=True)]
    is_public = (table["kind"] == "public").to_numpy()
    more[is_public] = _public_plugs(table.filter(pl.col("kind") == "public"), more[is_public], section, year)
    table = table.with_columns(more=pl.Series(more), needed=pl.col("plugs") + pl.Series(more))
    reason = pl.format("{}; {}: {} plugs more", pl.col("reason").fill_null("given"), pl.lit(year), "more")
    grown = _with_plugs(table, pl.col("more") > 0, pl.col("needed"), reason)
    return _with_rows(grown, [])


def count_piles(
    stations: pl.DataFrame, *, electric_cars: float, private_pile_share: float, year: int, internal_piles: int = 0
) -> dy.DataFrame[PileCount]:
    """Return the charging piles of a year by kind, key (year, kind). Private piles are counted by rule.

    Parameters
    ----------
    stations
        Table `Station`.
    electric_cars
        Private and company cars with a plug [vehicles].
    private_pile_share
        Share of these cars that has a pile of its own [0 to 1].
    year
        Year.
    internal_piles
        Piles of companies for their own vehicles that have no row among the stations.
    """
    open_now = stations.filter(pl.col("opened_year") <= year)
    counts = {
        "public": int(open_now.filter(pl.col("kind") == "public")["plugs"].sum()),
        "depot": int(open_now.filter(pl.col("kind") == "depot")["plugs"].sum()) + internal_piles,
        "private": round(electric_cars * private_pile_share),
    }
    counts["total"] = sum(counts.values())
    table = pl.DataFrame({"kind": list(counts), "piles": list(counts.values())})
    schema = PileCount.create_empty().schema
    table = table.with_columns(year=pl.lit(year, dtype=pl.Int64), kind=pl.col("kind").cast(schema["kind"]))
    return PileCount.validate(table.select(list(schema)).sort("year", "kind"))


@dataclass(frozen=True, eq=False)
class _Plan:
    opened: list[str]
    quality: dict[str, float | str]


def _weigh_zones(ground: SitingGround, section: SitingSection, kind: str) -> pl.DataFrame:
    """Return zone, standard_km, left (visits/day), people (beyond the standard) and weight (visits/day)."""
    per_resident = section.visits_per_1000_residents.get(kind, 0.0) / 1000.0
    demand = ground.demand.filter(pl.col("kind") == kind).select("zone", "unserved", "waiting")
    return (
        ground.zones.filter(pl.col("kind") == kind)
        .join(demand, on="zone", how="left")
        .with_columns(pl.col("unserved", "waiting").fill_null(0.0))
        .with_columns(
            left=pl.col("unserved") + pl.col("waiting"),
            people=pl.when("covered").then(0).otherwise(pl.col("population")),
        )
        .with_columns(
            weight=section.unserved_weight * pl.col("unserved")
            + section.waiting_weight * pl.col("waiting")
            + per_resident * pl.col("people")
        )
        .select("zone", "standard_km", "left", "people", "weight")
        .sort("zone")
    )


def _cover(pairs: pl.DataFrame, count: int, section: SitingSection) -> _Plan:
    from scipy.sparse import csr_array

    from charging.siting.problem import MaximalCovering
    from charging.siting.solve import solve

    zones = pairs.select("zone", "weight").unique().sort("zone").with_row_index("row")
    sites = pairs.select("candidate").unique().sort("candidate").with_row_index("column")
    entries = pairs.join(zones, on="zone").join(sites, on="candidate").sort("row", "column")
    places = (entries["row"].to_numpy(), entries["column"].to_numpy())
    cover = csr_array((np.ones(entries.height), places), shape=(zones.height, sites.height))
    count = min(count, sites.height)
    problem = MaximalCovering(cover, zones["weight"].to_numpy(), p=count)
    answer = solve(problem, nodes=section.solver_nodes, gap=section.solver_gap, time_limit_s=section.solver_time_s)
    quality: dict[str, float | str] = {
        "plan_objective": answer.objective,
        "plan_bound": answer.bound,
        "plan_gap": answer.gap,
        "plan_status": answer.status,
    }
    useful = np.unique(answer.assignment[answer.assignment >= 0])
    return _Plan(sites["candidate"].gather(useful.tolist()).to_list(), quality)


def _nearest_new(pairs: pl.DataFrame, opened: Sequence[str]) -> pl.DataFrame:
    """Return candidate, left, people, weight: what each new station serves, those that serve nobody left out."""
    return (
        pairs.filter(pl.col("candidate").is_in(list(opened)))
        .sort("zone", "distance_km", "candidate")
        .group_by("zone", maintain_order=True)
        .first()
        .group_by("candidate", maintain_order=True)
        .agg(pl.col("left", "people", "weight").sum())
        .sort("candidate")
    )


def _size(row: Mapping[str, Any], section: SitingSection, year: int, kind: str) -> dict[str, Any]:
    """Return the row with plugs, the peak they are sized for and the wait that is to be expected."""
    peak_per_h = row["weight"] * section.peak_hour_share
    service_min, variability = section.service_min[kind], section.wait_variability[kind]
    asked = plugs_needed(peak_per_h, service_min, section.wait_standard_min[kind], variability=variability)
    plugs = min(max(asked, section.smallest_plugs[kind]), section.largest_plugs[kind])
    wait_min = expected_wait(peak_per_h, service_min, plugs, variability=variability).mean_min
    sized = {"plugs": plugs, "peak_per_h": peak_per_h, "wait_min": wait_min, "station_id": f"{kind}-{row['candidate']}"}
    return {**row, **sized}


def _report_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "station_id": row["station_id"],
        "visits_gained": row["left"],
        "population_gained": row["people"],
        "peak_arrivals_per_h": row["peak_per_h"],
        "expected_wait_min": row["wait_min"] if np.isfinite(row["wait_min"]) else None,
    }


def _station_row(row: Mapping[str, Any], section: SitingSection, year: int, kind: str) -> dict[str, Any]:
    plugs = row["plugs"]
    reason = (
        f"sited {year}: {row['left']:.1f} visits a day left unserved or waiting nearby, "
        f"{row['people']:,} residents brought within the standard"
    )
    station = {
        "station_id": row["station_id"],
        "name": row["name"],
        "kind": kind,
        "lon": row["lon"],
        "lat": row["lat"],
        "district": row["district"],
        "opened_year": year,
        "plugs": plugs,
        "power_kw": at_year(section.power_kw[kind], year),
        "basis": "synthetic",
        "reason": reason,
    }
    if kind == "swap":
        station["packs"] = section.packs_per_bay * plugs
    if kind == "hydrogen":
        station["storage_kg"] = section.storage_kg_per_dispenser * plugs
        station["supply_kg_h"] = section.supply_kg_h_per_dispenser * plugs
    return station


def _site_id(kind: str) -> pl.Expr:
    return pl.format("{}-{}", pl.lit(kind), "candidate")


def _depot_need(electric_by_depot: pl.DataFrame, section: SitingSection) -> pl.DataFrame:
    """Return a row a depot: what it needs and what a new station there looks like."""
    rates = pl.DataFrame(
        {
            "fleet_group": list(section.depot_plugs_per_vehicle),
            "rate": list(section.depot_plugs_per_vehicle.values()),
            "power_kw": [section.depot_power_kw[group] for group in section.depot_plugs_per_vehicle],
        }
    )
    alone = pl.col("fleet_group").n_unique() == 1
    return (
        electric_by_depot.with_columns(pl.col("fleet_group").cast(pl.String))
        .join(rates, on="fleet_group")
        .filter(pl.col("vehicles") > 0)
        .sort("depot", "fleet_group")
        .group_by("depot", maintain_order=True)
        .agg(
            pl.col("name", "district", "lon", "lat").first(),
            needed=((pl.col("rate") * pl.col("vehicles")).sum() - ROUNDING).ceil().cast(pl.Int64),
            electric=pl.col("vehicles").sum().round().cast(pl.Int64),
            power_kw=pl.col("power_kw").max(),
            fleet_group=pl.when(alone).then(pl.col("fleet_group").first()),
        )
        .rename({"depot": "station_id"})
    )


def _depot_row(row: Mapping[str, Any], year: int) -> dict[str, Any]:
    reason = f"depot rule {year}: {row['needed']} plugs for {row['electric']} plug-in vehicles"
    kept = {name: row[name] for name in ("station_id", "name", "district", "lon", "lat", "power_kw", "fleet_group")}
    return {
        **kept,
        "kind": "depot",
        "opened_year": year,
        "plugs": row["needed"],
        "basis": "synthetic",
        "reason": reason,
    }


def _busiest(station_load: pl.DataFrame, year: int) -> pl.DataFrame:
    """Return a row a station: arrivals of its busiest hour, its longest 95th percentile, its visits, the unserved."""
    arrivals = pl.col("served") + pl.col("unserved")
    return (
        station_load.filter(pl.col("year") == year)
        .group_by("station_id", maintain_order=True)
        .agg(
            peak_per_h=arrivals.max(),
            p95_wait_min=pl.col("p95_wait_min").max(),
            visits=arrivals.sum(),
            unserved_share=pl.col("unserved").sum() / arrivals.sum(),
        )
    )


def _asking(table: pl.DataFrame, section: SitingSection) -> IntArray:
    """Return the rows of the stations open to all where waits were long or many left without energy."""
    is_open = table["kind"].cast(pl.String).is_in(list(OPEN_KINDS)).to_numpy()
    # Where nobody came there is no number, and nothing is above a standard.
    long_waits = table["p95_wait_min"].to_numpy() > section.p95_standard_min
    many_left = table["unserved_share"].to_numpy() > section.unserved_standard_share
    return np.flatnonzero(is_open & (long_waits | many_left))


def _wanted_plugs(row: Mapping[str, Any], section: SitingSection) -> int:
    kind = str(row["kind"])
    asked = plugs_needed(
        row["peak_per_h"],
        section.service_min[kind],
        section.wait_standard_min[kind],
        variability=section.wait_variability[kind],
    )
    plugs = int(row["plugs"])
    least = plugs + max(round(section.least_growth_share * plugs), 1)
    return max(min(max(asked, least), section.largest_plugs[kind]) - plugs, 0)


def _public_plugs(public: pl.DataFrame, wanted: IntArray, section: SitingSection, year: int) -> IntArray:
    """Return the plugs added to each public station: what it wants, then its part of the rest of the budget."""
    fresh = int(public.filter(pl.col("opened_year") == year)["plugs"].sum())
    budget = max(round(at_year(section.public_piles_per_year, year)) - fresh, 0)
    given = _longest_wait_first(wanted, public["p95_wait_min"].fill_null(0.0).to_numpy(), budget)
    room = np.maximum(section.largest_plugs["public"] - public["plugs"].to_numpy() - given, 0)
    return given + spread(budget - int(given.sum()), public["visits"].fill_null(0).to_numpy(), room)


def _longest_wait_first(wanted: IntArray, wait_min: FloatArray, budget: int) -> IntArray:
    order = np.argsort(-wait_min, kind="stable")
    before = np.cumsum(wanted[order]) - wanted[order]
    given = np.zeros_like(wanted)
    given[order] = np.clip(budget - before, 0, wanted[order])
    return given


def spread(total: int, weight: ArrayLike, room: ArrayLike) -> IntArray:
    """Return whole numbers that add up to `total`, in proportion to `weight`, none above its `room`.

    Where all room is taken they add up to less. Rests go to the largest fractions, ties to the first.

    Examples
    --------
    >>> spread(10, [1, 1, 2], [9, 9, 9]).tolist(), spread(10, [1, 1, 2], [9, 9, 3]).tolist()
    ([3, 2, 5], [4, 3, 3])
    """
    weights, most = np.asarray(weight, dtype=np.float64), np.asarray(room, dtype=np.int64)
    given = np.zeros_like(most)
    while total > 0 and ((given < most) & (weights > 0)).any():
        open_weights = np.where(given < most, weights, 0.0)
        shares = total * open_weights / open_weights.sum()
        parts = np.floor(shares + ROUNDING).astype(np.int64)
        rest = np.argsort(-(shares - parts), kind="stable")[: total - int(parts.sum())]
        parts[rest] += open_weights[rest] > 0
        parts = np.minimum(parts, most - given)
        given += parts
        total -= int(parts.sum())
    return given


def _with_plugs(table: pl.DataFrame, more: pl.Expr, plugs: pl.Expr, reason: pl.Expr) -> pl.DataFrame:
    """Return the stations with new plugs where `more` holds; packs, storage, supply and connection grow alike."""
    factor = pl.when(more).then(plugs / pl.col("plugs")).otherwise(1.0)
    basis = pl.when(more).then(pl.lit("synthetic")).otherwise(pl.col("basis").cast(pl.String))
    return table.with_columns(
        pl.col("site_limit_kw", "storage_kg", "supply_kg_h") * factor,
        packs=(pl.col("packs") * factor).round().cast(pl.Int64),
        plugs=pl.when(more).then(plugs).otherwise(pl.col("plugs")),
        basis=basis.cast(table["basis"].dtype),
        reason=pl.when(more).then(reason).otherwise(pl.col("reason")),
    )


def _with_rows(stations: pl.DataFrame, rows: Sequence[Mapping[str, Any]]) -> dy.DataFrame[Station]:
    """Return table `Station` with the rows added, sorted; columns of no station are dropped."""
    schema = Station.create_empty().schema
    added = pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)
    return Station.validate(pl.concat([stations.select(list(schema)), added]).sort("station_id"))
