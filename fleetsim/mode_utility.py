"""Utilities of the modes: the nested logit, what the levers do to each mode, and what new rail access is worth."""

from math import log

import numpy as np
from numpy.typing import NDArray

from fleetsim.scenario.accounts import ModesSection
from fleetsim.scenario.sections import at_year
from fleetsim.tables import MODES
from networks.errors import ScenarioError

FloatArray = NDArray[np.float64]

GREEN = ("walk", "bike", "metro", "bus", "suburban_rail")
IS_GREEN = np.array([mode in GREEN for mode in MODES])
INDEX = {mode: number for number, mode in enumerate(MODES)}
RAIL = ("metro", "suburban_rail")
SLOW = ("walk", "bike")


def nested_logit(base: FloatArray, utility: FloatArray, *, green: float, motor: float) -> FloatArray:
    """Return the split after a change of utility, by the pivot-point nested logit.

    Parameters
    ----------
    base
        Split before the change, one row a segment, modes in the order of `MODES`, rows sum to 1 [share].
    utility
        Change of utility of each mode (same for all segments, or one row a segment).
    green, motor
        Nest parameters of the green and the motor modes, in (0, 1]; both 1 is the plain logit.

    Notes
    -----
    L_n = t_n ln sum P0(m|n) exp(dV_m / t_n); P(n) ~ P0(n) exp(L_n); P(m|n) ~ P0(m|n) exp(dV_m / t_n).
    """
    moved = np.zeros_like(base)
    for members, parameter in ((IS_GREEN, green), (~IS_GREEN, motor)):
        grown = base * np.exp(np.broadcast_to(utility, base.shape) / parameter) * members
        before = (base * members).sum(axis=1, keepdims=True)
        after = grown.sum(axis=1, keepdims=True)
        ratio = np.divide(after, before, out=np.zeros_like(after), where=before > 0.0)
        level = np.power(ratio, parameter) * before
        moved += np.divide(grown, after, out=np.zeros_like(grown), where=after > 0.0) * level
    split: FloatArray = moved / moved.sum(axis=1, keepdims=True)
    return split


def utility_to_reach(share: float, target: float) -> float:
    """Return the utility all green modes must gain to move their share to the target.

    >>> round(utility_to_reach(0.765, 0.78), 4)
    0.0854
    """
    return log(target / (1.0 - target)) - log(share / (1.0 - share))


def utility_of_elasticity(elasticity: float, total: FloatArray, mode: str, parameter: float) -> float:
    """Return the utility of a 1 % change (times 100) that gives the mode this own elasticity at the split `total`.

    Notes
    -----
    Of the nested logit: d ln P(m) / d V(m) = (1 - P(m|n)) / t_n + P(m|n) - P(m).
    """
    number = INDEX[mode]
    nest = float(total[IS_GREEN[number] == IS_GREEN].sum())
    share = float(total[number])
    within = share / nest
    return elasticity / ((1.0 - within) / parameter + within - share)


def mode_utility(total: FloatArray, section: ModesSection, terms: FloatArray, year: int, last_year: int) -> FloatArray:
    """Return the change of utility by mode against the base year: levers, transit aversion, cycling, trend.

    Parameters
    ----------
    total
        Split of all trips in the base year [share].
    section
        The scenario's levers.
    terms
        The calibrated transit aversion, cycling effect and green trend.
    year
        Year [a].
    last_year
        Last year of the calibration; the trend is damped after it.
    """
    aversion, cycle, trend = (float(term) for term in terms)
    since = section.base_year
    change = np.zeros(len(MODES))
    for mode, utility in (*_bus_metro_levers(total, section, year), *_car_levers(total, section, year)):
        change[INDEX[mode]] += utility
    rail_gap = at_year(section.rail_shortfall, year) - at_year(section.rail_shortfall, since)
    bus_gap = at_year(section.bus_shortfall, year) - at_year(section.bus_shortfall, since)
    for mode in RAIL:
        change[INDEX[mode]] -= aversion * rail_gap
    change[INDEX["bus"]] -= aversion * bus_gap
    lanes = at_year(section.cycle_lane_km, year) - at_year(section.cycle_lane_km, since)
    change[INDEX["bike"]] += cycle * log(1.0 + max(lanes, 0.0) / section.cycle_scale_km)
    reward = at_year(section.green_reward_cny, year) - at_year(section.green_reward_cny, since)
    worth = _utility_of_cny(total, section) * reward * section.green_reward_reach_share
    years = min(year, last_year) - since + section.trend_kept * max(year - last_year, 0)
    change[IS_GREEN] += worth + trend * years
    return change


def access_utility(before: FloatArray, section: ModesSection) -> FloatArray:
    """Return the utility gained where rail access is new: the three anchors are met at the split `before`.

    Raises
    ------
    ScenarioError
        If the anchors leave no bus trips.

    Notes
    -----
    With car trips times a, rail times r, walking and cycling times s and bus taking what remains (b), the motor nest
    keeps its utility: exp(L_green) = (1/a - P(motor)) / P(green), and a green mode's factor f gives
    dV = t (ln f - ln a) - (t - 1) L_green.
    """
    nest = section.nest_green
    factors = {
        "rail": 1.0 + section.rail_access_gain,
        "slow": 1.0 + section.rail_access_slow_gain,
        "motor": 1.0 + section.rail_access_car_change,
    }
    groups = {"rail": np.isin(MODES, RAIL), "slow": np.isin(MODES, SLOW), "motor": ~IS_GREEN}
    taken = sum(factors[name] * float(before[members].sum()) for name, members in groups.items())
    bus = (1.0 - taken) / float(before[INDEX["bus"]])
    if bus <= 0.0:
        raise ScenarioError(
            f"modes.rail_access_gain: {section.rail_access_gain} leaves no bus trips where rail access is new; "
            "lower it or rail_share_before_access"
        )
    green = float(before[IS_GREEN].sum())
    level = log((1.0 / factors["motor"] - (1.0 - green)) / green)
    gained = np.zeros(len(MODES))
    for members, factor in ((groups["rail"], factors["rail"]), (groups["slow"], factors["slow"])):
        gained[members] = nest * log(factor / factors["motor"]) - (nest - 1.0) * level
    gained[INDEX["bus"]] = nest * log(bus / factors["motor"]) - (nest - 1.0) * level
    return gained


def without_access(shares: FloatArray, factor: float) -> FloatArray:
    """Return the split of trips without rail access: rail times `factor`, the other modes scaled up to fill."""
    rail = np.isin(MODES, RAIL)
    share = (shares * rail).sum(axis=1, keepdims=True)
    split_: FloatArray = np.where(rail, shares * factor, shares * (1.0 - factor * share) / (1.0 - share))
    return split_


def _utility_of_cny(total: FloatArray, section: ModesSection) -> float:
    """Utility of 1 CNY, from the metro fare elasticity [1/CNY]."""
    own = utility_of_elasticity(section.metro_fare_elasticity, total, "metro", section.nest_green)
    return -own / section.metro_mean_fare_cny


def _bus_metro_levers(total: FloatArray, section: ModesSection, year: int) -> list[tuple[str, float]]:
    levers = (
        ("metro", section.metro_fare, section.metro_fare_elasticity),
        ("bus", section.bus_fare, section.bus_fare_elasticity),
        ("bus", section.bus_headway, section.bus_headway_elasticity),
        ("bus", section.bus_speed, section.bus_speed_elasticity),
    )
    return [
        (mode, utility_of_elasticity(elasticity, total, mode, section.nest_green) * _log_change(values, section, year))
        for mode, values, elasticity in levers
    ]


def _car_levers(total: FloatArray, section: ModesSection, year: int) -> list[tuple[str, float]]:
    since = section.base_year
    parking = utility_of_elasticity(section.parking_price_elasticity, total, "car", section.nest_motor)
    charge = at_year(section.congestion_charge_cny, year) - at_year(section.congestion_charge_cny, since)
    allowed = (1.0 - at_year(section.driving_restriction, year)) / (1.0 - at_year(section.driving_restriction, since))
    return [
        ("car", parking * _log_change(section.parking_price, section, year)),
        ("car", -_utility_of_cny(total, section) * charge * section.congestion_charged_share),
        ("car", section.driving_restriction_kept_share * log(allowed)),
    ]


def _log_change(values: dict[int, float], section: ModesSection, year: int) -> float:
    return log(at_year(values, year) / at_year(values, section.base_year))
