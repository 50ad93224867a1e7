"""A lower bound on every whole schedule: the linear relaxation, lifted depot by depot.

Coupling rows are moved into the cost at the relaxation's dual prices. What is left falls apart into depots, each of
which is a small program in whole numbers; the sum of their bounds bounds the city, never below the relaxation's.
"""

from __future__ import annotations

from dataclasses import replace

from fleetsim.schedules.highs import Answer, Effort, minimise
from fleetsim.schedules.parts import Parts, alone
from fleetsim.schedules.problem import FloatArray


def lifted(parts: Parts, relaxed: Answer, plan: FloatArray, effort: Effort, enough: float) -> float:
    """Return the bound after as many depots as the time allows were lifted, the most promising first [CNY].

    Parameters
    ----------
    parts
        The program by depots, its columns bounded as in the whole problem.
    relaxed
        Optimal answer of its linear relaxation.
    plan
        A whole schedule, from which the depots' programs begin.
    effort
        When to stop.
    enough
        Bound at which to stop [CNY].

    Notes
    -----
    At the optimum of the relaxation its value is the sum of the depots' values at the prices and a constant (strong
    duality), and each depot's part of the sum may be replaced by the bound of its program in whole numbers.
    """
    if relaxed.prices is None or relaxed.values is None:
        return relaxed.bound
    prices = relaxed.prices[parts.coupling]
    found = relaxed.bound
    programs = [alone(parts, part, prices) for part in parts.depots]
    before = [float(one.cost @ relaxed.values[part.columns]) for one, part in zip(programs, parts.depots, strict=True)]
    gaps = [
        float(one.cost @ plan[part.columns]) - low
        for one, part, low in zip(programs, parts.depots, before, strict=True)
    ]
    order = sorted(range(len(gaps)), key=lambda index: -gaps[index])
    for done, index in enumerate(order):
        if effort.left_s() <= 0.0 or found >= enough:
            return found
        limited = replace(effort.part(1.0 / (len(order) - done)), gap=1e-4)
        start = plan[parts.depots[index].columns]
        answer = minimise(programs[index], limited, programs[index].whole, start)
        found += max(answer.bound - before[index], 0.0)
    return found
