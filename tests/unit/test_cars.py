"""Cars under the plate quota, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from fleetsim import cars
from fleetsim.cars import Plates
from fleetsim.cohorts import Cohorts
from fleetsim.scenario.sections import CarsSection
from fleetsim.tables import POWERTRAINS

PETROL, HYBRID, PHEV, BEV = (POWERTRAINS.index(name) for name in ("petrol", "hybrid", "PHEV", "BEV"))
SECTION = CarsSection(replacement_rate=1.0, phev_share={2021: 0.2}, hybrid_share={2021: 0.1}, quota_uptake=1.0)


def fleet(petrol: float, phev: float, bev: float) -> Cohorts:
    counts = np.zeros((len(POWERTRAINS), 1, 1))
    counts[[PETROL, PHEV, BEV], 0, 0] = petrol, phev, bev
    return Cohorts("car_private", 2020, 2020, (("all", "all", "none"),), counts)


def rates(value: float) -> np.ndarray:
    return np.full((len(POWERTRAINS), 1), value)


def test_a_year_follows_the_formula_of_the_quota_by_hand() -> None:
    # 100 fuel plates and 20 new-energy plates retire; half of the fuel plates go to new-energy cars.
    result = cars.turn(fleet(900.0, 100.0, 200.0), rates(0.1), 0.5, Plates(nev=30.0, ordinary=10.0), SECTION)
    bought = result.additions[:, 0]
    assert bought[BEV] == pytest.approx(20.0 + 30.0 + 0.5 * 0.8 * 100.0)
    assert bought[PHEV] == pytest.approx(0.5 * 0.2 * 100.0 + 0.1 * 10.0)
    assert bought[HYBRID] == pytest.approx(0.1 * (50.0 + 9.0))
    assert bought.sum() == pytest.approx(120.0 + 40.0)
    assert result.cohorts.counts.sum() == pytest.approx(1200.0 + 40.0)


def test_new_energy_plates_stay_new_energy_and_a_plug_in_hybrid_holds_an_ordinary_plate() -> None:
    none = Plates(0.0, 0.0)
    only_bev = cars.turn(fleet(0.0, 0.0, 100.0), rates(0.1), 0.0, none, SECTION)
    only_phev = cars.turn(fleet(0.0, 100.0, 0.0), rates(0.1), 0.0, none, SECTION)
    assert only_bev.additions[BEV, 0] == pytest.approx(10.0)
    assert only_phev.additions[BEV, 0] == 0.0
    assert only_phev.additions[PETROL, 0] == pytest.approx(9.0)


def test_half_of_the_ceiling_is_reached_at_the_midpoint_and_companies_are_ahead() -> None:
    section = CarsSection(grant_cny={2020: 0.0})
    given = replace(cars.prior(section), midpoint=2026.0, speed=0.5, ceiling=0.8, company_lead=2.0)
    assert cars.replacement_share(given, section, "car_private", 2026) == pytest.approx(0.4)
    assert cars.replacement_share(given, section, "car_company", 2024) == pytest.approx(0.4)


def test_a_grant_raises_the_log_odds_by_its_response() -> None:
    given = replace(cars.prior(CarsSection()), midpoint=2026.0, ceiling=1.0, grant_response=0.7)
    section = CarsSection(grant_cny={2026: 20_000.0})
    assert cars.replacement_share(given, section, "car_private", 2026) == pytest.approx(1.0 / (1.0 + np.exp(-1.4)))


def test_the_lever_overrides_the_path_from_its_first_year_and_a_ban_overrides_both() -> None:
    given = cars.prior(CarsSection())
    section = CarsSection(replacement_share={2026: 0.9}, fuel_ban_year=2028)
    free = cars.replacement_share(given, CarsSection(), "car_private", 2025)
    assert cars.replacement_share(given, section, "car_private", 2025) == free
    assert cars.replacement_share(given, section, "car_private", 2027) == 0.9
    assert cars.replacement_share(given, section, "car_private", 2028) == 1.0


def test_under_a_ban_nobody_buys_a_fuel_car() -> None:
    section = SECTION.model_copy(update={"fuel_ban_year": 2021})
    result = cars.turn(fleet(900.0, 100.0, 200.0), rates(0.1), 1.0, Plates(nev=30.0, ordinary=10.0), section)
    assert result.additions[[PETROL, HYBRID], 0].tolist() == [0.0, 0.0]
    assert result.additions.sum() == pytest.approx(160.0)


def test_drift_and_feedback_act_only_after_the_calibration_window() -> None:
    section = CarsSection()
    given = replace(cars.prior(section), window_end=2025)
    drifting = replace(given, drift=0.5)
    for year, same in ((2025, True), (2026, False)):
        plain = cars.replacement_share(given, section, "car_private", year)
        assert (cars.replacement_share(drifting, section, "car_private", year) == plain) is same
        assert (cars.replacement_share(given, section, "car_private", year, shift=-0.3) == plain) is same


def test_plates_are_the_quota_after_uptake_split_between_owners() -> None:
    section = CarsSection(quota_uptake=0.9, company_quota_share=0.1, quota_nev={2026: 100_000.0})
    quota = {(2025, "nev"): 80_000.0, (2025, "ordinary"): 20_000.0}
    private = cars.plates(quota, section, "car_private", 2025)
    company = cars.plates(quota, section, "car_company", 2025)
    assert (private.nev, company.nev) == pytest.approx((64_800.0, 7_200.0))
    assert private.ordinary + company.ordinary == pytest.approx(18_000.0)
    assert cars.plates(quota, section, "car_private", 2026).nev == pytest.approx(81_000.0)


def test_scrappage_grants_raise_the_retirement_of_fuel_cars_only() -> None:
    section = CarsSection(scrappage_factor={2025: 1.5})
    result = cars.car_hazard(np.array([0.1]), 1.2, section, 2025)
    assert result[PETROL, 0] == pytest.approx(0.18)
    assert result[BEV, 0] == result[PHEV, 0] == pytest.approx(0.12)
