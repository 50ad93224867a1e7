"""One door to every siting model."""

from charging.siting.answer import Answer
from charging.siting.effort import Effort
from charging.siting.problem import MaximalCovering, PCenter, PMedian, Problem, SetCovering

DEFAULT_TIME_LIMIT_S = 60.0


def solve(
    problem: Problem,
    *,
    time_limit_s: float = DEFAULT_TIME_LIMIT_S,
    gap: float = 0.0,
    nodes: int | None = None,
) -> Answer:
    """Return the best sites found, with a bound and the gap between them.

    Parameters
    ----------
    problem
        One of the siting problems.
    time_limit_s
        Wall time [s]. A run that ends before it gives the same answer every time.
    gap
        Relative gap that is good enough [0 to 1].
    nodes
        Most nodes of branch and bound, for a limit that does not depend on the machine; None: no limit.

    Raises
    ------
    InfeasibleError
        If no choice of sites meets the constraints; the message says which one and by how much to relax it.
    DataError
        If an array has the wrong shape or a value out of its bounds.
    """
    effort = Effort(time_limit_s, gap, nodes)
    if isinstance(problem, MaximalCovering):
        from charging.siting.maximal_covering import solve_maximal_covering

        return solve_maximal_covering(problem, effort)
    if isinstance(problem, SetCovering):
        from charging.siting.set_covering import solve_set_covering

        return solve_set_covering(problem, effort)
    if isinstance(problem, PMedian):
        from charging.siting.p_median import solve_p_median

        return solve_p_median(problem, effort)
    if isinstance(problem, PCenter):
        from charging.siting.p_center import solve_p_center

        return solve_p_center(problem, effort)
    raise TypeError(f"{type(problem).__name__} is not a siting problem")
