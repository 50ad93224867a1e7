"""Several plans to choose from: different ones that are nearly as good, and what each further site is worth."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array, eye_array, vstack

from charging.siting.answer import Answer, make_answer
from charging.siting.cover_input import read_cover
from charging.siting.covering import merge_points
from charging.siting.effort import Effort
from charging.siting.maximal_covering import SAME, purses, solve_maximal_covering
from charging.siting.milp import Program, minimise
from charging.siting.problem import FloatArray, IntArray, MaximalCovering, as_sites, as_vector
from networks.errors import DataError

HALVINGS = 12
SEARCH_SHARE = 0.5
"""Share of the time left that one further plan may take."""


def near_optimal(problem: MaximalCovering, loss: float, k: int, *, time_limit_s: float = 60.0) -> list[Answer]:
    """Return up to `k` plans, each with other sites, that cover at least (1 - loss) of the best plan found.

    Parameters
    ----------
    problem
        What is to be covered.
    loss
        Largest share of the covered weight that a plan may give up [0 to 1].
    k
        Number of plans, the best one first.
    time_limit_s
        Wall time for all of them [s].

    Raises
    ------
    DataError
        If `loss` or `k` is out of bounds.

    Notes
    -----
    Each further plan prefers sites that earlier ones left closed: an unused site earns a bonus, as high as the
    loss allows (found by halving). Where that only repeats a plan, one is sought that differs in at least one
    site, by an integer cut for each plan; fewer than `k` plans come back only where HiGHS finds none in time.
    """
    if not 0 <= loss <= 1 or k < 1:
        raise DataError(f"near_optimal: loss {loss}, k {k}; loss must be between 0 and 1, k at least 1")
    effort = Effort(time_limit_s)
    best = solve_maximal_covering(problem, Effort(SEARCH_SHARE * time_limit_s))
    plans, least = [best], (1.0 - loss) * best.objective
    while len(plans) < k and effort.seconds_left() > 0:
        part = SEARCH_SHARE * effort.seconds_left()
        sites = _other_sites(problem, plans, least, part)
        sites = _cut_off(problem, plans, least, Effort(part)) if sites is None else sites
        if sites is None:
            break
        plans.append(_as_answer(problem, sites, best))
    return plans


def curve(problem: MaximalCovering, ps: Sequence[int], *, time_limit_s: float = 60.0, gap: float = 0.0) -> list[Answer]:
    """Return the answer for each number of sites, in the order of `ps`.

    Parameters
    ----------
    problem
        What is to be covered; its `p` is not looked at.
    ps
        Numbers of sites that stand in the end.
    time_limit_s
        Wall time for all of them [s].
    gap
        Relative gap that is good enough [0 to 1].

    Notes
    -----
    More sites cover no less, so a bound for more sites also holds for fewer.
    """
    answers: dict[int, Answer] = {}
    effort, start = Effort(time_limit_s), np.empty(0, dtype=np.int64)
    for done, p in enumerate(sorted(set(ps))):
        share = effort.seconds_left() / max(len(set(ps)) - done, 1)
        answers[p] = solve_maximal_covering(replace(problem, p=p), Effort(max(share, 0.01), gap), start=start)
        start = answers[p].sites
    lowest = np.inf
    for p in sorted(answers, reverse=True):
        lowest = min(lowest, answers[p].bound)
        answers[p] = _with_bound(answers[p], max(lowest, answers[p].objective))
    return [answers[p] for p in ps]


def _with_bound(answer: Answer, bound: float) -> Answer:
    interrupted = answer.status == "interrupted"
    return make_answer(
        answer.sites,
        answer.assignment,
        answer.objective,
        bound,
        cpu_s=answer.cpu_s,
        interrupted=interrupted,
        within=SAME,
    )


def _as_answer(problem: MaximalCovering, sites: IntArray, best: Answer) -> Answer:
    cover = read_cover(problem.cover)
    assignment = cover.first_open_site(sites)
    weight = as_vector(problem.weight, cover.n_points, "weight")
    objective = float(weight[assignment >= 0].sum())
    return make_answer(sites, assignment, objective, max(best.bound, objective), cpu_s=0.0, within=SAME)


def _value(problem: MaximalCovering, sites: IntArray) -> float:
    cover = read_cover(problem.cover)
    return float(np.asarray(problem.weight, dtype=np.float64)[cover.first_open_site(sites) >= 0].sum())


def _other_sites(problem: MaximalCovering, plans: list[Answer], least: float, time_limit_s: float) -> IntArray | None:
    """Return sites that cover at least `least` and are new as far as a bonus for unused ones brings it."""
    cover = csr_array(problem.cover)
    n_sites = cover.shape[1]
    used = np.bincount(np.concatenate([plan.sites for plan in plans]), minlength=n_sites)
    wide = csr_array(vstack([cover != 0, eye_array(n_sites, dtype=np.bool_)]).tocsr())
    weight = np.asarray(problem.weight, dtype=np.float64)
    low, high = 0.0, max(float(weight.sum()), 1.0)
    found: IntArray | None = None
    known = {tuple(plan.sites.tolist()) for plan in plans}
    for _ in range(HALVINGS):
        bonus = (low + high) / 2.0 if low > 0 else high / 4.0
        earned = np.r_[weight, bonus * (len(plans) - used) / len(plans)]
        trial = replace(problem, cover=wide, weight=earned)
        sites = solve_maximal_covering(trial, Effort(time_limit_s / HALVINGS, gap=0.01)).sites
        if _value(problem, sites) >= least * (1.0 - 1e-12):
            low = bonus
            found = sites if tuple(sites.tolist()) not in known else found
        else:
            high = bonus
    return found


def _cut_off(problem: MaximalCovering, plans: list[Answer], least: float, effort: Effort) -> IntArray | None:
    """Return sites that cover at least `least` and are not those of a plan, None where there are none."""
    rows = read_cover(problem.cover)
    weight = as_vector(problem.weight, rows.n_points, "weight")
    fixed = as_sites(problem.fixed, rows.n_sites)
    cost, budget = purses(problem, fixed, rows.n_sites)
    system = merge_points(csr_array(problem.cover), weight)
    n_sites = system.n_sites
    inside = np.array([np.isin(np.arange(n_sites), plan.sites) for plan in plans])
    must = np.isin(np.arange(n_sites), fixed)[None, :].astype(np.float64)
    choice = np.vstack([cost, np.where(inside, 1.0, -1.0), must])
    upper = np.r_[budget, inside.sum(axis=1) - 1.0, np.inf]
    lower = np.r_[np.full(len(budget) + len(plans), -np.inf), float(len(fixed))]
    if problem.budget is None:
        lower[0] = budget[0]
    program = _covering_program(system.by_point, system.weight, choice, (lower, upper), least)
    outcome = minimise(program, effort)
    if outcome.values is None:
        return None
    sites = np.flatnonzero(outcome.values[:n_sites] > 0.5)
    return sites if _value(problem, sites) >= least * (1.0 - 1e-9) else None


def _covering_program(
    by_point: csr_array, weight: FloatArray, choice: FloatArray, limits: tuple[FloatArray, FloatArray], least: float
) -> Program:
    """Return: cover as much as possible, at least `least`; `choice` are rows on the sites alone."""
    n_points, n_sites = by_point.shape
    link = csr_array(vstack([by_point.T, -eye_array(n_points)]).T.tocsr())
    worth = csr_array(np.r_[np.zeros(n_sites), weight][None, :])
    alone = csr_array(np.hstack([choice, np.zeros((len(choice), n_points))]))
    return Program(
        cost=np.r_[np.zeros(n_sites), -weight],
        matrix=csr_array(vstack([link, worth, alone]).tocsr()),
        row_lower=np.r_[np.zeros(n_points), least * (1.0 - 1e-9), limits[0]],
        row_upper=np.r_[np.full(n_points + 1, np.inf), limits[1]],
        integer=np.r_[np.ones(n_sites, dtype=np.bool_), np.zeros(n_points, dtype=np.bool_)],
    )
