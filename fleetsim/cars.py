"""Cars under the plate quota: growth is capped by plates, so owners who replace fuel cars decide.

NEV(t+1) = NEV(1 - h) + quota_nev uptake + sigma (replaced fuel plates) + (replaced NEV plates). Plug-in
hybrids count as new-energy vehicles and keep an ordinary plate, so they are replaced as fuel plates are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from fleetsim.cohorts import Cohorts, FloatArray, Turned, scaled
from fleetsim.scenario.sections import CarsSection, at_year
from fleetsim.tables import POWERTRAINS

PARAMETERS = ("midpoint", "speed", "ceiling", "grant_response", "company_lead", "first_half_share", "drift")
NEV_PLATE = np.array([name in ("BEV", "BEV-swap", "FCEV") for name in POWERTRAINS])
COUNTS_AS_NEV = np.array([name in ("PHEV", "BEV", "BEV-swap", "FCEV") for name in POWERTRAINS])
COMPANY_FLEET = "car_company"
CAR_FLEETS = ("car_private", COMPANY_FLEET)


@dataclass(frozen=True)
class CarParameters:
    """The calibrated path of sigma, with its uncertainty."""

    midpoint: float
    """Year in which half of the ceiling is reached without a grant [year]."""
    speed: float
    """Logistic speed [1/year]."""
    ceiling: float
    """Share the path tends to."""
    grant_response: float
    """Rise of the log-odds per 10,000 CNY of grant."""
    company_lead: float
    """Years that companies run ahead [years]."""
    first_half_share: float
    """Share of a year's growth that falls in January to June."""
    drift: float = 0.0
    """Change of the log-odds a year after the calibration window, which no observation tells; it grows with the square
    root of the years, as the spread of a random walk does."""
    window_end: int = 9999
    """Last year of the calibration window [year]."""
    kappa: float = 1.0
    """Scale of the hazards, from observed registrations."""
    sd: tuple[float, ...] = ()
    """Standard deviation of each of `PARAMETERS` (of the draws)."""
    draws: tuple[tuple[float, ...], ...] = ()
    """Seeded draws of `PARAMETERS` from the posterior, behind the intervals; their drift is drawn from its prior."""

    def vector(self) -> FloatArray:
        """Return the parameters in the order of `PARAMETERS`."""
        return np.array([getattr(self, name) for name in PARAMETERS])

    def at(self, vector: FloatArray) -> "CarParameters":
        """Return the same calibration with other values of `PARAMETERS`."""
        values = {name: float(value) for name, value in zip(PARAMETERS, vector, strict=True)}
        return replace(self, **values)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Plates:
    """Plates that become cars in a year [1/year]."""

    nev: float
    ordinary: float


def prior(section: CarsSection) -> CarParameters:
    """Return the parameters before any observation."""
    return CarParameters(
        midpoint=section.share_midpoint,
        speed=section.share_speed,
        ceiling=section.share_ceiling,
        grant_response=section.grant_response,
        company_lead=section.company_lead_years,
        first_half_share=section.first_half_share,
    )


def replacement_share(
    parameters: CarParameters, section: CarsSection, fleet: str, year: int, shift: float = 0.0
) -> float:
    """Return sigma: the share of replaced fuel plates that go to new-energy cars.

    Parameters
    ----------
    parameters
        Calibrated path.
    section
        Levers and grants.
    fleet
        A car fleet.
    year
        Year.
    shift
        What waiting and coverage of the year before add to the log-odds after the calibration window;
        within it the observed stock has felt them already.

    Notes
    -----
    sigma = ceiling / (1 + exp(-(speed (year - midpoint) + response grant + drift sqrt(year - window end)))),
    companies `company_lead` years ahead, drift only
    after the window. The lever `cars.replacement_share` overrides it from its first year on; a fuel ban
    makes it 1.
    """
    vector = parameters.vector()[None, :]
    return float(replacement_shares(vector, parameters.window_end, section, fleet, year, shift)[0])


def replacement_shares(
    vectors: FloatArray, window_end: int, section: CarsSection, fleet: str, year: int, shift: float = 0.0
) -> FloatArray:
    """Return sigma for many parameter vectors at once, one a row in the order of `PARAMETERS`."""
    if section.fuel_ban_year is not None and year >= section.fuel_ban_year:
        return np.ones(len(vectors))
    if section.replacement_share and year >= min(section.replacement_share):
        return np.full(len(vectors), at_year(section.replacement_share, year))
    midpoint, speed, ceiling, response, lead, _, drift = vectors.T
    ahead = lead if fleet == COMPANY_FLEET else 0.0
    grant = at_year(section.grant_cny, year) / 10_000.0
    odds = speed * (year + ahead - midpoint) + response * grant + drift * np.sqrt(max(0, year - window_end))
    odds = odds + (shift if year > window_end else 0.0)
    return np.asarray(ceiling / (1.0 + np.exp(-odds)))


def plates(quota: Mapping[tuple[int, str], float], section: CarsSection, fleet: str, year: int) -> Plates:
    """Return the plates that become cars of the fleet in `year`.

    Parameters
    ----------
    quota
        Plates issued by year and kind ("ordinary", "nev") [1/year].
    section
        Overrides, later years, uptake and the companies' part.
    fleet
        A car fleet.
    year
        Year.
    """
    company = section.company_quota_share
    part = section.quota_uptake * (company if fleet == COMPANY_FLEET else 1.0 - company)
    nev = section.quota_nev.get(year, quota.get((year, "nev"), section.quota_nev_later))
    ordinary = quota.get((year, "ordinary"), section.quota_ordinary_later)
    return Plates(nev * part, ordinary * part)


def turn(
    cohorts: Cohorts,
    hazard: FloatArray,
    sigma: float | FloatArray,
    issued: Plates,
    section: CarsSection,
    weight: FloatArray | None = None,
) -> Turned:
    """Return a car fleet one year on.

    Parameters
    ----------
    cohorts
        The fleet at the end of the year before.
    hazard
        Share that retires, by powertrain and vintage, already scaled.
    sigma
        Share of replaced fuel plates that go to new-energy cars, for all cells or by cell.
    issued
        Plates that become cars.
    section
        Replacement rate and the split into plug-in hybrids and hybrids.
    weight
        Part of the plates each cell gets; None: in proportion to its cars.
    """
    year = cohorts.year + 1
    retired = cohorts.counts * hazard[:, :, None]
    replaced = section.replacement_rate * retired.sum(axis=1)
    if weight is None:
        held = cohorts.counts.sum(axis=(0, 1))
        weight = held / held.sum() if held.sum() > 0.0 else np.full(held.shape, 1.0 / held.size)
    bev = replaced[NEV_PLATE].sum(axis=0) + issued.nev * weight
    fuel_plates = replaced[~NEV_PLATE].sum(axis=0)
    ordinary = issued.ordinary * weight
    phev_share = at_year(section.phev_share, year)
    banned = section.fuel_ban_year is not None and year >= section.fuel_ban_year
    phev_of_ordinary = 1.0 if banned else sigma * phev_share
    bev = bev + sigma * (1.0 - phev_share) * fuel_plates
    phev = sigma * phev_share * fuel_plates + phev_of_ordinary * ordinary
    fuel = (1.0 - sigma) * fuel_plates + (1.0 - phev_of_ordinary) * ordinary
    hybrid_share = at_year(section.hybrid_share, year)
    additions = _purchases(
        {"BEV": bev, "PHEV": phev, "hybrid": hybrid_share * fuel, "petrol": (1.0 - hybrid_share) * fuel}
    )
    counts = np.concatenate([cohorts.counts - retired, additions[:, None, :]], axis=1)
    return Turned(replace(cohorts, year=year, counts=counts), additions, retired.sum(axis=1))


def car_hazard(rate: FloatArray, kappa: float, section: CarsSection, year: int) -> FloatArray:
    """Return hazards by powertrain and vintage, scaled by kappa, and by grants for fuel cars.

    Parameters
    ----------
    rate
        Hazard by vintage.
    kappa
        Scale from observed registrations.
    section
        Factors of scrappage by year.
    year
        Year of the turnover.
    """
    factor = np.where(COUNTS_AS_NEV, 1.0, at_year(section.scrappage_factor, year))
    return scaled(np.broadcast_to(rate, (len(POWERTRAINS), rate.size)), kappa * factor[:, None])


def _purchases(bought: Mapping[str, FloatArray]) -> FloatArray:
    cells = next(iter(bought.values())).size
    result = np.zeros((len(POWERTRAINS), cells))
    for name, vehicles in bought.items():
        result[POWERTRAINS.index(name)] = vehicles
    return result
