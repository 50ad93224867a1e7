"""What holds in every simulated day, whatever the city."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from charging.energy import HOUR_US, flow_us
from fleetsim.engine.conservation import check_conservation
from fleetsim.engine.prepass import prepare
from fleetsim.engine.reference import simulate
from fleetsim.engine.spec import VISIT_COLUMNS, Inputs, Kind, Log, is_served
from fleetsim.engine.synthetic import CitySize, random_inputs

SIZES = st.builds(
    CitySize,
    vehicles=st.integers(1, 80),
    legs=st.integers(1, 8),
    stations=st.integers(1, 8),
    zones=st.integers(1, 4),
    ranks=st.integers(1, 4),
    tick_s=st.sampled_from([1, 60, 1_800]),
)
CITIES = st.builds(random_inputs, st.integers(0, 2**32 - 1), SIZES)
many = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def visits_of(inputs: Inputs, log: Log, kinds: tuple[Kind, ...]) -> dict[int, np.ndarray]:
    """Return the served visits of each station of the kinds, as row numbers of the log."""
    served = is_served(log)
    rows = np.flatnonzero(np.isin(inputs.stations.kind, kinds))
    return {int(row): np.flatnonzero(served & (log.station == row)) for row in rows}


@many
@given(CITIES)
def test_energy_is_conserved(inputs: Inputs) -> None:
    totals = check_conservation(inputs, simulate(inputs))
    assert totals["taken"] - totals["used"] == totals["change"]


@many
@given(CITIES)
def test_no_plug_is_used_by_two_vehicles_at_once(inputs: Inputs) -> None:
    log = simulate(inputs)
    for station, rows in visits_of(inputs, log, (Kind.ELECTRIC, Kind.SWAP, Kind.HYDROGEN)).items():
        times = np.concatenate((log.start[rows], log.end[rows]))
        steps = np.concatenate((np.ones(len(rows)), -np.ones(len(rows))))
        busy = np.cumsum(steps[np.lexsort((steps, times))])
        assert busy.max(initial=0) <= inputs.stations.plugs[station]


@many
@given(CITIES)
def test_who_comes_first_is_served_first(inputs: Inputs) -> None:
    log = simulate(inputs)
    for rows in visits_of(inputs, log, (Kind.ELECTRIC, Kind.SWAP, Kind.HYDROGEN)).values():
        order = rows[np.lexsort((log.start[rows], log.arrive[rows]))]
        assert (np.diff(log.start[order]) >= 0).all()


@many
@given(CITIES)
def test_no_plug_stands_free_while_a_vehicle_waits_for_it(inputs: Inputs) -> None:
    log = simulate(inputs)
    for station, rows in visits_of(inputs, log, (Kind.ELECTRIC,)).items():
        for row in rows[log.start[rows] > log.arrive[rows]]:
            busy = (log.start[rows] < log.start[row]) & (log.end[rows] >= log.start[row])
            assert busy.sum() >= inputs.stations.plugs[station]


@many
@given(CITIES)
def test_no_pack_comes_from_nowhere(inputs: Inputs) -> None:
    log = simulate(inputs)
    for station, rows in visits_of(inputs, log, (Kind.SWAP,)).items():
        rate = int(inputs.stations.rate[station])
        full_at = log.start[rows] + np.array([flow_us(int(wh), rate) for wh in log.energy[rows]], np.int64)
        for start in log.start[rows]:
            charging = (log.start[rows] <= start) & (full_at > start)
            assert charging.sum() <= inputs.stations.packs[station]


@many
@given(CITIES)
def test_no_gram_of_hydrogen_comes_from_nowhere(inputs: Inputs) -> None:
    log = simulate(inputs)
    for station, rows in visits_of(inputs, log, (Kind.HYDROGEN,)).items():
        rows = rows[np.argsort(log.start[rows], kind="stable")]
        drawn = np.cumsum(log.energy[rows]) * HOUR_US
        supplied = inputs.stations.supply[station] * log.start[rows]
        assert (drawn <= inputs.stations.storage[station] * HOUR_US + supplied).all()


@many
@given(CITIES)
def test_legs_follow_each_other_in_time(inputs: Inputs) -> None:
    log, legs = simulate(inputs), inputs.legs
    made = log.departure >= 0
    assert (log.departure[made] >= legs.depart[made]).all()
    first = np.zeros(len(legs) + 1, bool)
    first[inputs.vehicles.first_leg] = True
    inner = np.flatnonzero(~first[1:-1] & made[1:]) + 1
    assert made[inner - 1].all()
    ready = log.departure[inner - 1] + legs.drive[inner - 1] + legs.dwell[inner - 1]
    assert (log.departure[inner] >= ready).all()


@many
@given(CITIES)
def test_no_visit_runs_backwards_and_only_the_served_take_energy(inputs: Inputs) -> None:
    log = simulate(inputs)
    assert ((log.seek <= log.arrive) & (log.arrive <= log.start) & (log.start <= log.end)).all()
    assert (log.energy[~is_served(log)] == 0).all()
    assert (log.energy >= 0).all()


@many
@given(CITIES)
def test_vehicles_without_events_do_what_a_plain_loop_says(inputs: Inputs) -> None:
    vehicles, legs, prepass = inputs.vehicles, inputs.legs, prepare(inputs)
    log = simulate(inputs)
    assert set(log.vehicle.tolist()) <= set(np.flatnonzero(prepass.eventful).tolist())
    for v in np.flatnonzero(~prepass.eventful):
        level, free = int(vehicles.start_level[v]), 0
        for k in range(int(vehicles.first_leg[v]), int(vehicles.first_leg[v + 1])):
            leave = max(int(legs.depart[k]), free)
            free = leave + int(legs.drive[k] + legs.dwell[k])
            level -= int(legs.energy[k])
            assert level >= 0 or vehicles.soft[v]
            level = max(level, 0)
            assert log.departure[k] == leave
        assert log.level[v] == level


@many
@given(CITIES)
def test_the_same_city_gives_the_same_log(inputs: Inputs) -> None:
    first, second = simulate(inputs), simulate(inputs)
    for name in (*VISIT_COLUMNS, "departure", "level"):
        assert np.array_equal(getattr(first, name), getattr(second, name))
