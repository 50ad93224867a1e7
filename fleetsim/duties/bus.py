"""The days of buses: blocks of the timetable, one bus a block."""

import dataframely as dy
import numpy as np
import polars as pl

from fleetsim.duties.fleet import DayOf, DutyInputs, Roll, vehicle_table
from fleetsim.duties.itinerary import FleetDay
from fleetsim.duties.tables import DutyVehicle, Leg
from fleetsim.scenario.sections import DutiesSection
from networks.tables import BlockMove, Trip
from networks.transit import block_moves

STAYS_IN = "emergency_support"
MOUNTAIN = "mountain_line"


def bus_day(inputs: DutyInputs, counts: pl.DataFrame, day: DayOf, trips: dy.DataFrame[Trip]) -> FleetDay:
    """Return the day of a bus fleet: every block of the timetable driven by one bus of its depot.

    Parameters
    ----------
    inputs
        City tables and section.
    counts
        Table `FleetCount` of this fleet. Buses for emergency support stay in; so does the reserve.
    day
        The fleet and its representative day.
    trips
        The timetable of this day, chained to blocks.

    Notes
    -----
    Blocks of mountain lines take the exempt buses first. Where there are more blocks than buses, the blocks
    with the fewest trips go without one and are counted.
    """
    if trips.is_empty():
        return FleetDay(DutyVehicle.create_empty(), Leg.create_empty())
    blocks = _blocks(inputs, trips)
    kept = _with_bus(blocks, counts, inputs.section.bus_reserve_share)
    legs = _legs(inputs, _moves(trips, inputs).join(kept.select("block", "vehicle_id"), on="block"), trips)
    standing = _with_spares(_with_reasons(kept, counts), inputs.section.bus_spare_share)
    roll = Roll(standing, np.arange(standing.height))
    vehicles = vehicle_table(roll, standing["zone"].to_numpy(), standing["depot"])
    return FleetDay(vehicles, legs, blocks.height - kept.height)


def _blocks(inputs: DutyInputs, trips: pl.DataFrame) -> pl.DataFrame:
    mountain = inputs.tables.lines.select("line", "mountain")
    depots = inputs.places.select(pl.col("place").alias("depot"), "district", "zone")
    return (
        trips.join(mountain, on="line", how="left")
        .group_by("block", maintain_order=True)
        .agg(pl.col("depot").first(), pl.col("mountain").any(), pl.len().alias("trips"))
        .join(depots, on="depot", how="left")
        .sort("block")
    )


def _with_bus(blocks: pl.DataFrame, counts: pl.DataFrame, reserve_share: float) -> pl.DataFrame:
    ready = int(counts.filter(pl.col("exempt_reason") != STAYS_IN)["vehicles"].sum())
    able = int(ready * (1.0 - reserve_share))
    kept = blocks.sort(["trips", "block"], descending=[True, False]).head(able).sort("block")
    return kept.with_columns(vehicle_id=pl.int_range(pl.len(), dtype=pl.Int64))


def _with_spares(kept: pl.DataFrame, share: float) -> pl.DataFrame:
    """Return the buses with blocks, then those that stand ready at their depots without one."""
    spare = (pl.len() * share).floor().cast(pl.UInt32).alias("spare")
    places = kept.group_by("depot", maintain_order=True).agg(spare, pl.col("district", "zone").first())
    spares = places.select(pl.exclude("spare").repeat_by("spare")).explode("*").drop_nulls("depot")
    spares = spares.with_columns(exempt_reason=pl.lit("none"))
    return pl.concat([kept.select(spares.columns), spares])


def _with_reasons(blocks: pl.DataFrame, counts: pl.DataFrame) -> pl.DataFrame:
    exempt = int(counts.filter(pl.col("exempt_reason") == MOUNTAIN)["vehicles"].sum())
    other = int(counts.filter(~pl.col("exempt_reason").is_in([MOUNTAIN, STAYS_IN]))["vehicles"].sum())
    taken = min(exempt, max(int(blocks["mountain"].sum()), blocks.height - other))
    mountain_first = np.argsort(~blocks["mountain"].to_numpy(), kind="stable")
    exempted = np.zeros(blocks.height, np.int64)
    exempted[mountain_first[:taken]] = 1
    return blocks.with_columns(exempt_reason=pl.Series(["none", MOUNTAIN]).gather(exempted))


def _legs(inputs: DutyInputs, moves: pl.DataFrame, trips: dy.DataFrame[Trip]) -> dy.DataFrame[Leg]:
    zone = inputs.places.select(pl.col("place").alias("to_place"), "zone")
    rest_s = pl.col("depart_s").shift(-1).over("vehicle_id") - pl.col("depart_s") - pl.col("drive_s")
    rests = (rest_s >= inputs.section.bus_terminal_charge_min * 60.0).fill_null(False)
    legs = (
        moves.join(_latest(trips, inputs.section), on="trip", how="left")
        .join(zone, on="to_place", how="left")
        .sort("vehicle_id", "move")
        .with_columns(
            leg="move",
            distance_km="length_km",
            work_s=pl.lit(0, dtype=pl.Int64),
            load_kg=pl.lit(0.0, dtype=pl.Float32),
            may_charge=pl.col("at_depot") | rests,
            timed=pl.col("trip").is_not_null(),
        )
    )
    return Leg.cast(legs.select(Leg.column_names()))


def _latest(trips: pl.DataFrame, section: DutiesSection) -> pl.DataFrame:
    shortest_s, longest_s = section.bus_missed_least_min * 60.0, section.bus_missed_after_min * 60.0
    following = pl.col("departure_s").shift(-1).over("line", "direction", order_by="departure_s")
    headway_s = (following - pl.col("departure_s")).fill_null(int(longest_s))
    window_s = headway_s.clip(round(shortest_s), int(longest_s))
    return trips.select("trip", latest_s=pl.col("departure_s") + window_s)


def _moves(trips: dy.DataFrame[Trip], inputs: DutyInputs) -> dy.DataFrame[BlockMove]:
    section = inputs.section
    return block_moves(
        trips,
        inputs.tables.places,
        layover_s=round(min(section.bus_turn_min, section.bus_layover_min) * 60.0),
        depot_gap_s=round(section.bus_depot_return_min * 60.0),
        detour=section.detour,
        empty_speed_kmh=section.bus_empty_kmh,
    )
