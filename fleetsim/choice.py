"""Which powertrain is bought: cost of ownership per km and the softmax over what may be bought."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from fleetsim.cohorts import BoolArray, FloatArray
from fleetsim.scenario.sections import StockSection, at_year
from fleetsim.tables import POWERTRAINS
from networks.errors import DataError, InfeasibleError


@dataclass(frozen=True)
class Feedback:
    """What the simulated days of the year before say, by fleet group. A group left out counts as unchanged."""

    wait_min: Mapping[str, float] = field(default_factory=dict)
    """Wait for a plug above that of the base year [min a session]."""
    coverage_share: Mapping[str, float] = field(default_factory=dict)
    """Share of residents within reach of a station, above that of the base year."""


@dataclass(frozen=True)
class Cost:
    """What a vehicle costs; every field may be an array over vehicle types."""

    price_cny: FloatArray
    residual_cny: FloatArray
    annual_cny: FloatArray
    energy_cny_per_km: FloatArray
    other_cny_per_km: FloatArray


def capital_recovery(rate: float, years: float) -> float:
    """Return the yearly payment that repays 1 over `years` at interest `rate`.

    >>> round(capital_recovery(0.05, 10), 6)
    0.129505
    """
    if rate == 0.0:
        return 1.0 / years
    return rate / (1.0 - float((1.0 + rate) ** -years))


def tco_cny_per_km(cost: Cost, annual_km: float, rate: float, years: float) -> FloatArray:
    """Return the cost of ownership [CNY/km].

    Parameters
    ----------
    cost
        Price less subsidy and residual value [CNY], insurance and upkeep [CNY/year], energy with charging
        loss [CNY/km], and the rest: infrastructure, drivers' time not overlapped by charging, payload [CNY/km].
    annual_km
        Distance [km/year].
    rate
        Discount rate [1/year].
    years
        Years of ownership [years].

    Notes
    -----
    [price CRF - residual SFF + yearly costs] / km + costs per km, where SFF = CRF - rate is the sinking
    fund factor: the residual is received after `years`.
    """
    recovery = capital_recovery(rate, years)
    fixed = cost.price_cny * recovery - cost.residual_cny * (recovery - rate) + cost.annual_cny
    return fixed / annual_km + cost.energy_cny_per_km + cost.other_cny_per_km


def shares(utility: FloatArray, theta: float, available: BoolArray | None = None) -> FloatArray:
    """Return softmax(utility / theta) over what is available; a ban removes the alternative.

    Parameters
    ----------
    utility
        Utility of each alternative; -inf for one that does not exist.
    theta
        Scale, above 0: the smaller, the sharper the choice.
    available
        False where an alternative is banned; None: nothing is.

    Raises
    ------
    InfeasibleError
        If nothing is left to buy.

    >>> shares(np.array([1.0, 1.0, 5.0]), 1.0, np.array([True, True, False])).tolist()
    [0.5, 0.5, 0.0]
    """
    allowed = np.where(np.ones(utility.shape, bool) if available is None else available, utility, -np.inf)
    if not np.isfinite(allowed).any():
        raise InfeasibleError("every powertrain that can be bought is banned; allow at least one")
    weight = np.exp((allowed - allowed.max()) / theta)
    return np.asarray(weight / weight.sum())


def vehicle_costs(
    types: pl.DataFrame, prices: pl.DataFrame, section: StockSection, year: int, base_year: int
) -> pl.DataFrame:
    """Return one row a vehicle type with its price, residual, and energy cost in `year`.

    Adds `price_now_cny`, `residual_cny`, `energy_cny_per_km` and `range_km` to the vehicle types.
    """
    price = {carrier: _price(prices, carrier, year) for carrier in prices["carrier"].unique().to_list()}
    electricity = price.get("electricity", 0.0) * (1.0 + section.charging_loss_share)
    carrier = pl.col("powertrain").cast(pl.String).replace_strict(CARRIER_OF)
    per_unit = carrier.replace_strict({**price, "electricity": electricity}, default=None)
    electric = pl.col("electric_km_share")
    own = pl.col("use_per_km") * per_unit * (1.0 - electric)
    grant = pl.col("powertrain").cast(pl.String).is_in(NEW_ENERGY).cast(pl.Float64)
    return types.with_columns(
        price_now_cny=pl.col("price_cny") * (1.0 + pl.col("price_change_per_year")) ** (year - base_year),
        energy_cny_per_km=own + pl.col("electric_kwh_per_km") * electricity * electric,
        range_km=pl.col("store") * section.usable_store_share / pl.col("use_per_km"),
        grant=grant,
    ).with_columns(residual_cny=pl.col("price_now_cny") * section.residual_share)


CARRIER_OF = {
    "petrol": "petrol", "diesel": "diesel", "gas": "gas", "hybrid": "petrol", "PHEV": "petrol",
    "BEV": "electricity", "BEV-swap": "electricity", "FCEV": "hydrogen",
}  # fmt: skip
NEW_ENERGY = ("PHEV", "BEV", "BEV-swap", "FCEV")
PLUGGED = ("BEV", "BEV-swap", "FCEV")


def types_of(types: pl.DataFrame, fleet: str, group: str) -> pl.DataFrame:
    """Return the vehicle types a fleet buys, its own rows before those of its group, one a powertrain.

    The first type in the order of the names is taken where a powertrain has several.
    """
    ours = types.filter(
        (pl.col("fleet_group").cast(pl.String) == group) & (pl.col("fleet").is_null() | (pl.col("fleet") == fleet))
    )
    ranked = ours.sort(pl.col("fleet").is_null(), "vehicle_type")
    return ranked.unique("powertrain", keep="first", maintain_order=True)


def utilities(fleet: Mapping[str, Any], costs: pl.DataFrame, section: StockSection, year: int) -> FloatArray:
    """Return the utility of each powertrain for a fleet in `year`; -inf where it has no vehicle type.

    Parameters
    ----------
    fleet
        Row of the fleets table.
    costs
        Result of `vehicle_costs`, the types of this fleet only.
    section
        Costs and weights.
    year
        Year of purchase.

    Notes
    -----
    Cost of ownership counts relative to its mean over the fleet's powertrains, so that one weight serves
    taxis and heavy trucks.
    """
    group, annual_km = str(fleet["group"]), float(fleet["annual_km"])
    plugged = np.array([name in PLUGGED for name in costs["powertrain"].to_list()], dtype=float)
    grant = at_year(section.purchase_grant_share, year) * _column(costs, "grant")
    penalty = section.infrastructure_cny_per_km + section.payload_penalty_cny_per_km.get(group, 0.0)
    cost = Cost(
        price_cny=_column(costs, "price_now_cny") * (1.0 - grant),
        residual_cny=_column(costs, "residual_cny"),
        annual_cny=_column(costs, "insurance_cny_per_year"),
        energy_cny_per_km=_column(costs, "energy_cny_per_km"),
        other_cny_per_km=_column(costs, "maintenance_cny_per_km") + plugged * penalty,
    )
    years = float(fleet["statutory_age"] or fleet["life_years"])
    tco = tco_cny_per_km(cost, annual_km, section.discount_rate, years)
    shortfall = np.maximum(annual_km / section.work_days_per_year / _column(costs, "range_km") - 1.0, 0.0)
    result = np.full(len(POWERTRAINS), -np.inf)
    places = [POWERTRAINS.index(name) for name in costs["powertrain"].to_list()]
    result[places] = -section.tco_weight * tco / np.mean(tco) - section.range_weight * shortfall * plugged
    return result


def feedback_utility(group: str, section: StockSection, feedback: Feedback) -> FloatArray:
    """Return what waiting and coverage of the year before add to the utility of each powertrain."""
    plugged = np.array([name in PLUGGED for name in POWERTRAINS], dtype=float)
    gain = section.coverage_weight * feedback.coverage_share.get(group, 0.0)
    return plugged * (gain - section.wait_weight_per_min * feedback.wait_min.get(group, 0.0))


def pivot(base_share: FloatArray, now: FloatArray, then: FloatArray) -> FloatArray:
    """Return utilities whose softmax with theta 1 gives `base_share` when nothing has changed since then."""
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.log(base_share) + now - then
    return np.where(base_share > 0.0, value, -np.inf)


def base_shares(purchases: pl.DataFrame, fleet: str) -> FloatArray:
    """Return what the fleet bought in the base year, by powertrain.

    Raises
    ------
    DataError
        If the fleet has no row or its shares do not sum to 1.
    """
    rows = purchases.filter(pl.col("fleet") == fleet)
    total = float(rows["share"].sum())
    if abs(total - 1.0) > 1e-6:
        raise DataError(f"purchases.csv: the shares of {fleet!r} sum to {total:g}; let them sum to 1")
    result = np.zeros(len(POWERTRAINS))
    for powertrain, share in rows.select("powertrain", "share").iter_rows():
        result[POWERTRAINS.index(powertrain)] = share
    return result


def _price(prices: pl.DataFrame, carrier: str, year: int) -> float:
    rows = prices.filter(pl.col("carrier").cast(pl.String) == str(carrier))
    return at_year(dict(rows.select("year", "price_cny_per_unit").iter_rows()), year)


def _column(table: pl.DataFrame, name: str) -> FloatArray:
    return table[name].to_numpy().astype(float)
