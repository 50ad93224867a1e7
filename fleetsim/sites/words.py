"""The answer to a siting request in sentences."""

from __future__ import annotations

import numpy as np
import polars as pl

from fleetsim.datasets import City
from fleetsim.sites.hours import hour_sums, mean_day, of_year
from fleetsim.sites.job import Sited
from fleetsim.texts import Language, texts

BLANKS_NAMED = 3
MOST_DIGITS, FEW = 3, 100
"""Most digits after the point, and the number below which one is told."""
LEAST_SHARE = 0.005
"""Smallest share that is told: less would be 0 %."""
LEAST_GAP = 1e-5
"""Smallest gap that is told where plan and bound do not meet."""


def quality_lines(sited: Sited, lang: Language) -> list[str]:
    """Return what a planner must know of a plan: how good it is, what it gains and costs, and what stays open."""
    lines = [*first_lines(sited, lang), *(note.told(lang) for note in sited.choice.notes)]
    lines += [_spread(sited, lang), _standards(sited, lang)]
    more = [
        _hours(sited, lang),
        _money(sited, lang),
        _sized_by(sited, lang),
        _blanks(sited, lang),
        _barred(sited, lang),
        _waits(sited, lang),
        _why(sited, lang),
    ]
    return lines + [line for line in more if line]


def first_lines(sited: Sited, lang: Language) -> list[str]:
    """Return how good a plan is, what it gains, and whether the simulation keeps the standards."""
    return [quality(sited, lang), gain(sited, lang), *_rounds(sited, lang)]


def quality(sited: Sited, lang: Language) -> str:
    """Return objective, bound and gap; the word optimal only where the solver proved it."""
    words, choice = texts(lang, "site"), sited.choice
    left = choice.measure == "covered" and sited.request.measured
    unit = words["measures"]["covered_left" if left else choice.measure].format(unit=words["units"][sited.unit])
    if choice.decided:
        unit += words["in_year"].format(year=choice.decided)
    elif len(sited.request.years) > 1:
        unit += words["over_years"].format(count=len(sited.request.years))
        if sited.request.year_weights:
            unit += words["weighed"].format(weights=", ".join(f"{each:g}" for each in sited.request.year_weights))
    objective, bound = _apart(choice.objective, choice.bound, _digits(choice.objective, choice.measure))
    text: str = words[choice.status]
    return text.format(objective=objective, bound=bound, gap=max(choice.gap, LEAST_GAP), unit=unit, cpu=choice.cpu_s)


def _digits(objective: float, measure: str) -> int:
    """Return the digits after the point that a number is told with: whole numbers and large ones need none."""
    return 1 if measure == "km" or (objective < FEW and objective != int(objective)) else 0


def _apart(objective: float, bound: float, digits: int) -> tuple[str, str]:
    """Return both numbers with as many digits, up to three, as tell them apart; with no more where none do."""
    enough = digits
    while enough < MOST_DIGITS and objective != bound and f"{objective:.{enough}f}" == f"{bound:.{enough}f}":
        enough += 1
    enough = enough if f"{objective:.{enough}f}" != f"{bound:.{enough}f}" else digits
    return f"{objective:,.{enough}f}", f"{bound:,.{enough}f}"


def gain(sited: Sited, lang: Language) -> str:
    """Return the share of the residents within the standard before and after."""
    words = texts(lang, "site")
    rows = sited.tables["coverage"].filter(
        pl.col("district") == "all", pl.col("counted") == "population", pl.col("year") == sited.request.years[-1]
    )
    shares = dict(rows.select("stage", "covered_share").iter_rows())
    return str(words["gain"].format(before=shares["before"], after=shares["after"]))


def _spread(sited: Sited, lang: Language) -> str:
    """Return what is within the standard beside residents, within some minutes, and how evenly ways are shared."""
    words, last = texts(lang, "site"), sited.request.years[-1]
    here = (pl.col("district") == "all") & (pl.col("year") == last) & (pl.col("stage").cast(pl.String) == "after")
    shares = dict(sited.tables["coverage"].filter(here).select("counted", "covered_share").iter_rows())
    reach = sited.tables["reach"].filter(here, pl.col("counted") == "population")
    within = reach.filter(pl.col("unit").cast(pl.String) == "min").select("within", "share").iter_rows()
    minutes = words["between"].join(words["in_minutes"].format(share=share, limit=limit) for limit, share in within)
    even = sited.tables["equity"].filter(here).row(0, named=True)
    traffic = {name: shares.get(name, 0.0) for name in ("jobs", "vehicle_km", "through_km")}
    text = str(words["spread"].format(**traffic, minutes=minutes))
    if even["gini"] is None or even["worst_tenth_share"] is None:
        return text
    worst = {"worst": even["worst_tenth_km"], "part": even["worst_tenth_share"]}
    return text + str(words["even"].format(gini=even["gini"], **worst))


def _standards(sited: Sited, lang: Language) -> str:
    """Return how far each standard is kept, before and after."""
    words, last = texts(lang, "site"), sited.request.years[-1]
    table = sited.tables["standards"].filter(pl.col("year") == last)
    stage = pl.col("stage").cast(pl.String)
    both = table.filter(stage == "before").join(table.filter(stage == "after"), on="place", suffix="_after")
    parts = [
        words["standard_part"].format(
            place=words["places"].get(row["place"], row["place"]),
            km=row["standard_km"],
            before=row["covered_share"],
            after=row["covered_share_after"],
        )
        for row in both.sort("standard_km", "place").iter_rows(named=True)
    ]
    return str(words["standards"].format(parts=words["joint"].join(parts)))


def shown_districts(city: City, lang: Language) -> dict[str, str]:
    """Return the name of each district in a language."""
    names = city.districts["name_zh" if lang == "zh" else "district"]
    return dict(zip(city.districts["district"], names, strict=True))


def _money(sited: Sited, lang: Language) -> str:
    sites, words = sited.tables["sites"], texts(lang, "site")
    if not sites.height:
        return ""
    cost, changed = float(sites["cost_cny"].sum()), sites.filter(pl.col("action").cast(pl.String) != "close")
    text = words["money"].format(stations=changed.height, plugs=int(changed["plugs"].sum()), million=cost / 1e6)
    if sited.request.budgets_cny and sited.request.supply is None:
        text += words["of_budget"].format(million=sited.request.budgets_cny[-1] / 1e6)
    return str(text)


def _hours(sited: Sited, lang: Language) -> str:
    """Return in which hours most is sought and most is missed; empty where that was not simulated."""
    table = sited.tables["zone_hours"].filter(pl.col("stage").cast(pl.String) == "before")
    if table.is_empty():
        return ""
    mean = hour_sums(mean_day(of_year(table, sited.request.years[-1]), sited.city))
    words, sums = texts(lang, "site"), mean.select(pl.col("seeks", "unserved").sum()).row(0, named=True)
    most = mean.sort("seeks", "hour", descending=[True, False]).row(0, named=True)
    told = words["hours_sought"].format(**_clock(most["hour"]), share=most["seeks"] / sums["seeks"])
    if not sums["unserved"]:
        return str(told)
    missed = mean.sort("unserved", "hour", descending=[True, False]).row(0, named=True)
    share = missed["unserved"] / missed["seeks"]
    return str(told + words["hours_missed"].format(**_clock(missed["hour"]), left=missed["unserved"], share=share))


def _clock(hour: int) -> dict[str, int]:
    return {"start": hour, "end": hour + 1}


def _sized_by(sited: Sited, lang: Language) -> str:
    """Return by which service stations were sized, and whether it was measured."""
    service, words = sited.service, texts(lang, "site")
    if service is None or not sited.tables["sites"].height:
        return ""
    key = "sized_measured" if service.is_measured else "sized_few" if service.seen else "sized_assumed"
    return str(words[key].format(kind=sited.request.kind, **vars(service)))


def _blanks(sited: Sited, lang: Language) -> str:
    blank, words = sited.tables["blank_spots"], texts(lang, "site")
    if not blank.height:
        return str(words["no_blanks"])
    names = shown_districts(sited.city, lang)
    first = blank.head(BLANKS_NAMED).select("district", "zone").iter_rows()
    named = words["between"].join(f"{names[district]} {zone}" for district, zone in first)
    people = int(blank["population"].sum())
    return str(words["blanks"].format(count=blank.height, people=people, named=named))


def _barred(sited: Sited, lang: Language) -> str:
    return str(texts(lang, "site")["barred"].format(count=sited.barred)) if sited.barred else ""


def _rounds(sited: Sited, lang: Language) -> list[str]:
    """Return what the simulation of the design day says, and whether the standards are kept, or why not."""
    table, words = sited.tables["rounds"], texts(lang, "site")
    if not table.height:
        return []
    before, answer = table.filter(pl.col("round") == 0), table.filter("chosen")
    lines = [
        words["round_line"].format(
            year=now["year"],
            seeks=now["seeks"],
            seeks_before=then["seeks"],
            left_before=then["left"],
            left_after=now["left"],
            wait_before=then["peak_wait_min"] or 0.0,
            wait_after=now["peak_wait_min"] or 0.0,
            standard=now["wait_standard_min"],
            share=sited.unserved_standard_share,
        )
        for then, now in zip(before.iter_rows(named=True), answer.iter_rows(named=True), strict=True)
    ]
    if answer["meets"].all():
        return [*lines, words["round_met"].format(round=answer["round"][0])]
    reasons = words["joint"].join(_missed(sited, answer, lang))
    return [*lines, words["round_missed"].format(rounds=table["round"].max(), reasons=reasons)]


def _missed(sited: Sited, answer: pl.DataFrame, lang: Language) -> list[str]:
    """Return why the standards are missed in the last year of the answer that misses them."""
    words, row = texts(lang, "site"), answer.filter(~pl.col("meets")).row(-1, named=True)
    reasons = []
    wait, new = row["peak_wait_min"] or 0.0, row["new_peak_wait_min"] or 0.0
    if wait > row["wait_standard_min"]:
        reasons.append(words["miss_wait"].format(wait=wait, new=new))
    if row["unserved_share"] > sited.unserved_standard_share:
        where = words["miss_where"].format(names=words["between"].join(_where_left(sited, lang)))
        where = words["joint"].join([where, *_why_left(sited, lang)])
        reasons.append(words["miss_unserved"].format(share=row["unserved_share"], where=where))
    return reasons


def _where_left(sited: Sited, lang: Language) -> list[str]:
    """Return the districts where most searches still end without energy."""
    names = shown_districts(sited.city, lang)
    table = sited.tables["left"].group_by("district").agg(pl.col("left").sum())
    table = table.sort("left", "district", descending=[True, False])
    return [
        f"{names[name]} {left:,.0f}" for name, left in table.head(BLANKS_NAMED).select("district", "left").iter_rows()
    ]


def _why_left(sited: Sited, lang: Language) -> list[str]:
    """Return how much is left over for want of a station, of a larger one, or of a largest size."""
    words, table = texts(lang, "site"), sited.tables["left"]
    total = float(table["left"].sum())
    sums = table.group_by("why").agg(pl.col("left").sum()).sort("left", "why", descending=[True, False])
    kind = sited.request.kind
    shares = [(why, left / total) for why, left in sums.iter_rows()]
    return [words["left_why"][why].format(share=share, kind=kind) for why, share in shares if share >= LEAST_SHARE]


def _waits(sited: Sited, lang: Language) -> str:
    simulated = sited.tables["rounds"].height > 0
    table = sited.tables["sizing"]
    table = table.filter(pl.col("year") == sited.request.years[-1]) if simulated else table
    own = table.filter("is_planned") if simulated else table
    known = own.drop_nulls(["simulated_wait_min", "expected_wait_min"])
    if not known.height:
        return ""
    visits = known["peak_arrivals_per_h"].to_numpy()
    theory = float(np.average(known["expected_wait_min"].to_numpy(), weights=visits))
    measured = float(np.average(known["simulated_wait_min"].to_numpy(), weights=visits))
    short = own.filter(pl.col("plugs_needed") > pl.col("plugs")).height
    words = texts(lang, "site")
    key = "plan_waits" if simulated else "waits"
    told = words[key].format(stations=known.height, theory=theory, simulated=measured, short=short, all=own.height)
    return str(told)


def _why(sited: Sited, lang: Language) -> str:
    """Return how many stations of the plan wait as theory says, and why the others do not."""
    own = sited.tables["sizing"].filter(pl.col("is_planned"), pl.col("year") == sited.request.years[-1])
    if not own.height:
        return ""
    words = texts(lang, "site")
    planned = sited.tables["sites"].filter(pl.col("simulated_arrivals") == 0).height
    counts = own.group_by(pl.col("why").cast(pl.String)).len().sort("len", "why", descending=[True, False])
    parts = [words["why_part"].format(count=count, text=words["why"][name]) for name, count in counts.iter_rows()]
    if planned:
        parts.append(words["why_part"].format(count=planned, text=words["why_empty"]))
    return str(words["why_line"].format(parts=words["joint"].join(parts)))
