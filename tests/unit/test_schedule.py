"""Scripted conversion on a small fleet."""

import numpy as np
import polars as pl
import pytest

from fleetsim import schedule
from fleetsim.cohorts import Cohorts, Turn, turn
from fleetsim.scenario.schedule import Conversion, ScheduleSection, Transfer
from fleetsim.tables import POWERTRAINS
from networks.errors import ScenarioError

DIESEL, BEV, FCEV = (POWERTRAINS.index(name) for name in ("diesel", "BEV", "FCEV"))
CELLS = (("Haidian", "all", "none"), ("Daxing", "all", "none"), ("Daxing", "all", "no_substitute_model"))
TYPES = pl.DataFrame({"buyer": ["sweeper", "sweeper"], "powertrain": ["diesel", "BEV"]})


def sweepers() -> Cohorts:
    counts = np.zeros((len(POWERTRAINS), 2, 3))
    counts[DIESEL, 0] = 10.0, 20.0, 6.0
    return Cohorts("sweeper", 2025, 2024, CELLS, counts)


def after(section: ScheduleSection, year: int = 2026) -> Cohorts:
    fleet = sweepers()
    closing = fleet.counts.sum(axis=(0, 1))
    shares = np.zeros((len(POWERTRAINS), 3))
    shares[DIESEL] = 1.0
    orders = schedule.orders(section, fleet, dict(enumerate(closing.tolist())), year)
    return turn(fleet, Turn(np.zeros((len(POWERTRAINS), 2)), closing, shares, orders, whole=True)).cohorts


def line(**fields: object) -> ScheduleSection:
    return ScheduleSection(convert=(Conversion.model_validate({"fleet": "sweeper", "to": "BEV", **fields}),))


def test_half_of_the_vehicles_not_exempt_are_converted_by_the_end_of_the_year() -> None:
    result = after(line(share={2026: 0.5, 2028: 1.0}))
    assert result.counts[BEV].sum(axis=0).tolist() == [5.0, 10.0, 0.0]


def test_between_the_given_years_the_share_is_interpolated_and_after_them_held() -> None:
    section = line(share={2026: 0.5, 2028: 1.0})
    fleet = sweepers()
    asked = [schedule.orders(section, fleet, {0: 10.0, 1: 20.0, 2: 6.0}, year) for year in (2025, 2027, 2030)]
    assert asked[0] == ()
    assert [orders[0].vehicles for orders in asked[1:]] == [22.0, 30.0]


def test_a_number_is_bought_in_its_district_and_year_only() -> None:
    section = line(number={2026: 4}, district="Daxing")
    assert after(section).counts[BEV].sum(axis=0).tolist() == [0.0, 4.0, 0.0]
    assert after(section, 2027).counts[BEV].sum() == 0.0


def test_exempt_vehicles_are_converted_only_when_asked() -> None:
    assert after(line(share={2026: 1.0}, exempt_too=True)).counts[DIESEL].sum() == 0.0
    assert after(line(share={2026: 1.0})).counts[DIESEL].sum() == 6.0


def test_vehicles_that_another_line_asks_for_do_not_leave_early() -> None:
    fleet = sweepers()
    fleet.counts[FCEV, 0] = 4.0, 0.0, 0.0
    closing = fleet.counts.sum(axis=(0, 1))
    shares = np.zeros((len(POWERTRAINS), 3))
    shares[DIESEL] = 1.0
    hydrogen, battery = {"to": "FCEV", "share": {2026: 4 / 34}}, {"to": "BEV", "share": {2026: 30 / 34}}
    section = ScheduleSection(
        convert=tuple(Conversion.model_validate({"fleet": "sweeper", **line}) for line in (hydrogen, battery))
    )
    orders = schedule.orders(section, fleet, dict(enumerate(closing.tolist())), 2026)

    result = turn(fleet, Turn(np.zeros((len(POWERTRAINS), 2)), closing, shares, orders, whole=True))

    assert result.cohorts.counts.sum(axis=1)[[DIESEL, BEV, FCEV]].tolist() == [[0, 0, 6], [10, 20, 0], [4, 0, 0]]
    assert result.retirements[FCEV].sum() == 0.0


def test_every_fault_of_a_schedule_is_named_at_once_with_its_line_and_remedy() -> None:
    section = ScheduleSection(
        convert=(
            Conversion(fleet="sweper", to="BEV", share={2026: 1.0}),
            Conversion(fleet="sweeper", to="FCEV", share={2026: 1.0}),
            Conversion(fleet="sweeper", to="BEV"),
            Conversion(fleet="car_private", to="BEV", share={2026: 1.0}),
        ),
        transfer=(Transfer(fleet="sweeper", from_district="Haidian", to_district="Tianjin", vehicles={2026: 1}),),
    )
    with pytest.raises(ScenarioError) as caught:
        schedule.check(section, ["sweeper", "car_private"], ["Haidian", "Daxing"], TYPES)
    problems = caught.value.problems
    assert len(problems) == 5
    assert "line 1: fleet 'sweper' is not known; use one of car_private, sweeper" in problems[0]
    assert "line 2: 'sweeper' has no vehicle type 'FCEV'; use one of BEV, diesel" in problems[1]
    assert "either share or number" in problems[2]
    assert "cars.replacement_share" in problems[3]
    assert "'Tianjin'" in problems[4]


def test_a_transfer_opens_the_cell_it_needs_and_keeps_the_fleet() -> None:
    moves = Transfer(fleet="sweeper", from_district="Daxing", to_district="Haidian", vehicles={2026: 13})
    moved = schedule.move(ScheduleSection(transfer=(moves,)), sweepers(), 2026, in_whole=True)
    assert moved.counts.sum() == 36.0
    assert moved.cells[3] == ("Haidian", "all", "no_substitute_model")
    assert moved.counts.sum(axis=(0, 1)).tolist() == [20.0, 10.0, 3.0, 3.0]
