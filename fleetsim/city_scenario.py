"""Levers of the shipped scenario that are Beijing's own size or history, brought down to another city's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleetsim.scenario.scenario import Scenario
from fleetsim.scenario.template import to_toml

SCALED = (
    "cars.quota_nev_later",
    "cars.quota_ordinary_later",
    "siting.stations_per_year",
    "siting.public_piles_per_year",
    "freight.bulk_tonnage_mt",
    "grid.city_peak_gw",
    "grid.other_response_gw",
    "grid.storage_gw",
)
"""Levers that are amounts of the whole city."""
PLAIN: Mapping[str, Any] = {
    "stock.observed_by": {},
    "stock.assumed_share": {},
    "policy.enforcement": {},
    "modes.rail_km": {2019: 1.0},
    "modes.cycle_lane_km": {2019: 0.0},
    "modes.driving_restriction": {2019: 0.0},
    "modes.rail_shortfall": {2019: 0.0},
    "modes.bus_shortfall": {2019: 0.0},
}
"""Levers that are Beijing's history; elsewhere nothing of the kind is assumed."""
DIGITS = 4
HEAD = """\
# Levers of Beijing's outlook brought to this city: amounts scaled by residents ({residents:,} over {donor:,}), an
# assumption, and Beijing's own history taken out. `fleetsim import zones` writes this file anew whenever it makes
# zones; what you know better belongs into scenario.toml, which wins.
extends = "outlook.toml"
"""


def assumed_toml(residents: int, donor: int) -> str:
    """Return the TOML of the levers for a city of so many residents.

    Parameters
    ----------
    residents
        Residents of the city [persons].
    donor
        Residents of the city the levers are of [persons].
    """
    outlook = Scenario.shipped("outlook")
    values = {key: _scaled(_value(outlook, key), residents / donor) for key in SCALED} | dict(PLAIN)
    lines = [HEAD.format(residents=residents, donor=donor)]
    for section in dict.fromkeys(key.split(".")[0] for key in values):
        lines.append(f"[{section}]")
        own = {key.split(".")[1]: value for key, value in values.items() if key.startswith(f"{section}.")}
        lines += [f"{name} = {to_toml(value)}" for name, value in own.items()] + [""]
    return "\n".join(lines)


def _value(scenario: Scenario, key: str) -> Any:
    section, name = key.split(".")
    return getattr(getattr(scenario, section), name)


def _scaled(value: Any, ratio: float) -> Any:
    if isinstance(value, dict):
        return {key: _scaled(part, ratio) for key, part in value.items()}
    return float(f"{value * ratio:.{DIGITS}g}")
