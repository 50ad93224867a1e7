"""The answer to a siting request in sentences."""

from __future__ import annotations

import numpy as np
import polars as pl

from fleetsim.datasets import City
from fleetsim.sites.job import Sited
from fleetsim.texts import Language, texts

BLANKS_NAMED = 3


def quality_lines(sited: Sited, lang: Language) -> list[str]:
    """Return what a planner must know of a plan: how good it is, what it gains and costs, and what stays open."""
    lines = [quality(sited, lang), gain(sited, lang), *sited.choice.notes]
    lines += [line for line in (_money(sited, lang), _blanks(sited, lang), _waits(sited, lang)) if line]
    return lines


def quality(sited: Sited, lang: Language) -> str:
    """Return objective, bound and gap; the word optimal only where the solver proved it."""
    words, choice = texts(lang, "site"), sited.choice
    unit = words["measures"][choice.measure].format(unit=words["units"][sited.unit])
    if len(sited.request.years) > 1:
        unit += words["over_years"].format(count=len(sited.request.years))
    digits = 1 if choice.measure == "km" else 0
    objective, bound = (f"{value:,.{digits}f}" for value in (choice.objective, choice.bound))
    text: str = words[choice.status]
    return text.format(objective=objective, bound=bound, gap=choice.gap, unit=unit, cpu=choice.cpu_s)


def gain(sited: Sited, lang: Language) -> str:
    """Return the share of the residents within the standard before and after."""
    words = texts(lang, "site")
    rows = sited.tables["coverage"].filter(
        pl.col("district") == "all", pl.col("counted") == "population", pl.col("year") == sited.request.years[-1]
    )
    shares = dict(rows.select("stage", "covered_share").iter_rows())
    return str(words["gain"].format(before=shares["before"], after=shares["after"]))


def shown_districts(city: City, lang: Language) -> dict[str, str]:
    """Return the name of each district in a language."""
    names = city.districts["name_zh" if lang == "zh" else "district"]
    return dict(zip(city.districts["district"], names, strict=True))


def _money(sited: Sited, lang: Language) -> str:
    sites, words = sited.tables["sites"], texts(lang, "site")
    if not sites.height:
        return ""
    cost = float(sites["cost_cny"].sum())
    text = words["money"].format(stations=sites.height, plugs=int(sites["plugs"].sum()), million=cost / 1e6)
    if sited.request.budgets_cny:
        text += words["of_budget"].format(million=sited.request.budgets_cny[-1] / 1e6)
    return str(text)


def _blanks(sited: Sited, lang: Language) -> str:
    blank, words = sited.tables["blank_spots"], texts(lang, "site")
    if not blank.height:
        return str(words["no_blanks"])
    names = shown_districts(sited.city, lang)
    first = blank.head(BLANKS_NAMED).select("district", "zone").iter_rows()
    named = words["between"].join(f"{names[district]} {zone}" for district, zone in first)
    people = int(blank["population"].sum())
    return str(words["blanks"].format(count=blank.height, people=people, named=named))


def _waits(sited: Sited, lang: Language) -> str:
    table = sited.tables["sizing"].drop_nulls(["simulated_wait_min", "expected_wait_min"])
    if not table.height:
        return ""
    visits = table["peak_arrivals_per_h"].to_numpy()
    theory = float(np.average(table["expected_wait_min"].to_numpy(), weights=visits))
    simulated = float(np.average(table["simulated_wait_min"].to_numpy(), weights=visits))
    short = sited.tables["sizing"].filter(pl.col("plugs_needed") > pl.col("plugs")).height
    words = texts(lang, "site")
    return str(words["waits"].format(stations=table.height, theory=theory, simulated=simulated, short=short))
