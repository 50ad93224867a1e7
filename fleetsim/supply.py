"""The scenario's grid and solar sections applied year by year to the energy supply."""

from collections.abc import Sequence

import dataframely as dy

from charging.grid import GridYear
from charging.solar import build
from charging.tables import SolarSite, SolarYield
from fleetsim.scenario.accounts import GridSection, SolarSection
from fleetsim.scenario.sections import at_year


def grid_years(section: GridSection, years: Sequence[int]) -> dict[int, GridYear]:
    """Return what the grid of each year can do, for `charging.grid.peaks`."""
    return {
        year: GridYear(
            city_peak_gw=at_year(section.city_peak_gw, year),
            city_peak_hour=section.city_peak_hour,
            response_share=at_year(section.response_share, year),
            other_response_gw=at_year(section.other_response_gw, year),
            storage_gw=at_year(section.storage_gw, year),
        )
        for year in years
    }


def solar(sites: dy.DataFrame[SolarSite], section: SolarSection, years: Sequence[int]) -> dy.DataFrame[SolarYield]:
    """Return photovoltaics at transport sites by year and kind, schema `SolarYield`."""
    return build(
        sites,
        {year: at_year(section.built_share, year) for year in range(min(years), max(years) + 1)},
        yield_kwh_per_kwp=section.yield_kwh_per_kwp,
        loss_per_year=section.loss_per_year,
        orientation_factor=section.orientation_factor,
    )
