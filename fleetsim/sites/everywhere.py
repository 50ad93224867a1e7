"""Set covering: the standard kept everywhere with the fewest stations, or the least money."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, vstack

from charging.siting.answer import Answer
from charging.siting.effort import Report
from charging.siting.problem import SetCovering
from charging.siting.solve import solve
from fleetsim.sites.choice import Choice, Columns, limits, quality, served
from fleetsim.sites.ground import RESIDENTS, Ground, Layer
from fleetsim.sites.notes import Note
from fleetsim.sites.request import Request
from fleetsim.sites.size import highest_costs, usable
from fleetsim.sites.standard import require_reachable, require_within
from networks.errors import InfeasibleError


def everywhere(ground: Ground, request: Request, report: Report | None) -> Choice:
    """The fewest stations, or the cheapest where there is a budget, that keep the standard everywhere.

    With fleets, also a new station within reach of every zone in which one of them was left without energy.

    Raises
    ------
    InfeasibleError
        If no site is near some zone, or number or budget do not suffice: by how much each must be relaxed.
    """
    year = request.years[-1]
    columns = np.flatnonzero(usable(ground, year).to_numpy())
    parts: list[csr_array] = []
    notes: tuple[Note, ...] = ()
    n_zones = 0
    for layer in _layers(ground, year):
        zones = np.flatnonzero(layer.worth > 0)
        rows = csr_array(ground.cover_of(layer)[zones][:, columns])
        reached = np.diff(rows.indptr) > 0
        notes += require_reachable(ground, layer, zones[~reached], leave_out=request.leave_out)
        parts.append(csr_array(rows[reached]))
        n_zones += len(zones)
    costs = highest_costs(ground, year)[columns] if request.budgets_cny else None
    answer = solve(SetCovering(csr_array(vstack(parts).tocsr()), costs), **limits(ground, request, report))
    if request.budgets_cny:
        require_within(answer.objective, request.budgets_cny[-1], "the standard", least=answer.bound)
    elif request.numbers and len(answer.sites) > request.numbers[-1]:
        raise InfeasibleError(_too_few(answer, request.numbers[-1], n_zones, ground))
    measure = "cost_cny" if request.budgets_cny else "stations"
    opened: Columns = columns[answer.sites]
    return Choice((opened,), measure, **quality(answer), **served(ground, year), notes=notes)


def _layers(ground: Ground, year: int) -> list[Layer]:
    """Return who has to be reached: residents (or visits) beyond the standard, and visits of fleets left over."""
    layers = ground.layers(year)
    if ground.fleets:
        return layers
    people = np.where(ground.before_km(year) > ground.standard_km, ground.people(year), 0.0)
    return [Layer(RESIDENTS, people, layers[0].pairs)]


def _too_few(answer: Answer, number: int, n_zones: int, ground: Ground) -> str:
    least, found = int(np.ceil(answer.bound - 1e-6)), len(answer.sites)
    told = f"at least {least}" if least < found else f"{found}"
    more = found - number
    return (
        f"--number {number}: the standard takes {told} new stations for the {n_zones} zones beyond it; raise it by "
        f"{more} to {found}, or widen siting.standard_km.{ground.kind}"
    )
