"""The rows of the log."""

from fleetsim.engine.compiled.state import (
    HAS_EXTRAS,
    IN_ARRIVE,
    IN_END,
    IN_ENERGY,
    IN_LEG,
    IN_METRES,
    IN_REASON,
    IN_RETURNED,
    IN_SEEK,
    IN_START,
    IN_STATION,
    IN_VEHICLE,
    NOBODY,
    OF_END,
    OF_ENERGY,
    OF_POWER,
    OF_START,
    OF_STATION,
    OF_VEHICLE,
    Day,
)


def note_visit(day: Day, v: int, end: int) -> None:
    """Log the visit of vehicle `v`, which ends at `end` [us]."""
    vehicle, visits, row = day.vehicles[v], day.visits, day.tally[0].rows
    day.tally[0].rows += 1
    visits[IN_VEHICLE, row] = v
    visits[IN_LEG, row] = vehicle.leg
    visits[IN_STATION, row] = vehicle.station
    visits[IN_SEEK, row] = vehicle.seek
    visits[IN_ARRIVE, row] = vehicle.arrive
    visits[IN_START, row] = vehicle.start
    visits[IN_END, row] = end
    visits[IN_ENERGY, row] = vehicle.energy
    visits[IN_REASON, row] = vehicle.reason
    visits[IN_METRES, row] = 2 * vehicle.metres
    visits[IN_RETURNED, row] = 0
    if HAS_EXTRAS and day.stations[vehicle.station].managed:
        visits[IN_RETURNED, row] = day.more[v].returned


def note_unvisited(day: Day, v: int, k: int, reason: int, time: int) -> None:
    """Log that vehicle `v` found no station after leg `k`, or did not come that far."""
    visits, row = day.visits, day.tally[0].rows
    day.tally[0].rows += 1
    visits[IN_VEHICLE, row] = v
    visits[IN_LEG, row] = k
    visits[IN_STATION, row] = NOBODY
    visits[IN_SEEK : IN_END + 1, row] = time
    visits[IN_ENERGY, row] = visits[IN_METRES, row] = visits[IN_RETURNED, row] = 0
    visits[IN_REASON, row] = reason


def note_flow(day: Day, v: int, slot: int, end: int, energy: int) -> None:
    """Log a stretch of steady rule at a plug, which ends at `end` [us] with this change of the level [Wh]."""
    plug, flows, row = day.plugs[slot], day.flows, day.tally[0].flow_rows
    day.tally[0].flow_rows += 1
    flows[OF_VEHICLE, row] = v
    flows[OF_STATION, row] = day.vehicles[v].station
    flows[OF_START, row] = plug.since
    flows[OF_END, row] = end
    flows[OF_POWER, row] = plug.grant
    flows[OF_ENERGY, row] = energy
