"""Vehicles driven along their routes, out and back, to see whether they get through."""

import numpy as np
from numpy.typing import NDArray

from charging.siting.flow_routes import SLACK_KM, Route

ROUNDS = 3


def gets_through(route: Route, has_station: NDArray[np.bool_], range_km: float) -> bool:
    """Return whether a vehicle drives the route out and back, again and again, without running dry.

    Parameters
    ----------
    route
        Where it drives.
    has_station
        For each node whether a station stands there.
    range_km
        Distance driven on a full tank [km].

    Notes
    -----
    It starts with half a tank, a full one where a station is at the origin; there is no station without a stop.
    Where no station is at the origin it has to come back with half a tank each time.
    """
    stations = has_station[route.nodes].tolist()
    if not any(stations):
        return False
    at_km = route.at_km.tolist()
    order = [*range(1, len(at_km)), *range(len(at_km) - 2, -1, -1)]
    left_km = range_km if stations[0] else range_km / 2
    for _ in range(ROUNDS):
        here = 0
        for place in order:
            left_km -= abs(at_km[place] - at_km[here])
            if left_km < -SLACK_KM:
                return False
            here = place
            if stations[here]:
                left_km = range_km
        if not stations[0] and left_km < range_km / 2 - SLACK_KM:
            return False
    return True
