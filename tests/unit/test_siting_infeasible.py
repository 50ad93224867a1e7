"""What cannot be met is refused with the constraint and by how much it must be relaxed; relaxed so, it is met."""

import numpy as np
import pytest

from charging.siting import (
    CapacitatedPMedian,
    FlowRefuelling,
    Flows,
    GradualCovering,
    MaximalCovering,
    PCenter,
    PeriodCovering,
    PMedian,
    RoadGraph,
    ServiceCovering,
    SetCovering,
    StandardCovering,
    solve,
)
from networks.errors import InfeasibleError

COVER = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]])
WEIGHT = np.array([5.0, 1.0, 3.0, 1.0])
COST = np.array([4.0, 1.0, 2.0])
AWAY = np.array([[0.0, 9.0, 9.0], [2.0, 1.0, 9.0], [9.0, 1.0, 3.0], [9.0, 9.0, 1.0]])
FAR = np.where(AWAY > 5, np.inf, AWAY)
ROAD, TRIP = RoadGraph([0, 1, 2], [1, 2, 3], [40.0] * 3), Flows([0], [3], [7.0])


def service(**limits):
    return ServiceCovering(COVER, WEIGHT, np.array([[4.0, 9.0]] * 3), np.array([[1.0, 3.0]] * 3), **limits)


def periods(**limits):
    return PeriodCovering(COVER, np.array([WEIGHT, WEIGHT, WEIGHT]), cost=COST, fixed=(0, 2), **limits)


@pytest.mark.parametrize(
    ("refused", "message", "relaxed"),
    [
        (MaximalCovering(COVER, WEIGHT, p=1, fixed=(0, 2)), "p: 1 .* raise p by 1",
         MaximalCovering(COVER, WEIGHT, p=2, fixed=(0, 2))),
        (MaximalCovering(COVER, WEIGHT, p=5), "p: 5 .* lower p by 2", MaximalCovering(COVER, WEIGHT, p=3)),
        (MaximalCovering(COVER, WEIGHT, cost=COST, budget=3.5, fixed=(0,)), r"budget: .* raise 3\.5 by 0\.5",
         MaximalCovering(COVER, WEIGHT, cost=COST, budget=4.0, fixed=(0,))),
        (GradualCovering(COVER, WEIGHT, p=1, fixed=(0, 2)), "p: 1 .* raise p by 1",
         GradualCovering(COVER, WEIGHT, p=2, fixed=(0, 2))),
        (GradualCovering(COVER, WEIGHT, cost=COST, budget=3.0, fixed=(0,)), "budget: .* raise 3 by 1",
         GradualCovering(COVER, WEIGHT, cost=COST, budget=4.0, fixed=(0,))),
        (periods(p=[3, 1, 2]), "p, period 1: the fixed sites take 2; raise 1 by 1", periods(p=[3, 2, 2])),
        (periods(budget=[5.0, 6.0, 5.5]),
         r"budget, period 0: .* raise 5 by 1\nbudget, period 2: .* raise 5\.5 by 0\.5",
         periods(budget=[6.0, 6.0, 6.0])),
        (SetCovering(COVER, COST, budget=5.0), "budget: covering every point takes 6; raise 5 by 1",
         SetCovering(COVER, COST, budget=6.0)),
        (StandardCovering(AWAY, [1.0, 0.5, 3.0, 1.0]), r"point 1: nearest site at 1; widen the standard 0\.5 by 0\.5",
         StandardCovering(AWAY, [1.0, 1.0, 3.0, 1.0])),
        (StandardCovering(AWAY, [1.0, 2.0, 3.0, 1.0], COST, budget=1.0), "takes 6; raise 1 by 5",
         StandardCovering(AWAY, [1.0, 2.0, 3.0, 1.0], COST, budget=6.0)),
        (service(p=1, existing={0: 0, 2: 0}), "p: 2 existing stations stay; raise 1 by 1",
         service(p=2, existing={0: 0, 2: 0})),
        (service(budget=1.5, existing={0: 0, 2: 0}), r"budget: the existing stations cost 2; raise 1\.5 by 0\.5",
         service(budget=2.0, existing={0: 0, 2: 0})),
        (service(budget=1.0, least_share=0.8), "raise the budget by 1 to 2", service(budget=2.0, least_share=0.8)),
        (service(p=1, least_share=1.0), "with 1 stations; raise p by 1 to 2", service(p=2, least_share=1.0)),
        (PMedian(FAR, WEIGHT, 1), "p: 1 sites cannot reach every point; raise p by at least 1",
         PMedian(FAR, WEIGHT, 2)),
        (PMedian(AWAY, WEIGHT, 1, fixed=(0, 1)), "raise p by 1", PMedian(AWAY, WEIGHT, 2, fixed=(0, 1))),
        (PCenter(FAR, 1), "p: 1 sites cannot reach every point; raise p by at least 1", PCenter(FAR, 2)),
        (CapacitatedPMedian(AWAY, WEIGHT, 4.0, 2), "hold 8 of a demand of 10; raise them by 2 or p",
         CapacitatedPMedian(AWAY, WEIGHT, 5.0, 2)),
        (FlowRefuelling(ROAD, TRIP, 39.0, 3), r"range_km: 39 km is below .* raise it to 40 km",
         FlowRefuelling(ROAD, TRIP, 40.0, 4)),
        (FlowRefuelling(ROAD, TRIP, 70.0, 2, candidates=(1, 3)), r"range_km: 70 km is below .* raise it to 80 km",
         FlowRefuelling(ROAD, TRIP, 80.0, 2, candidates=(1, 3))),
        (FlowRefuelling(ROAD, TRIP, 80.0, 1, fixed=(1, 2)), "raise p by 1",
         FlowRefuelling(ROAD, TRIP, 80.0, 2, fixed=(1, 2))),
        (FlowRefuelling(ROAD, TRIP, 80.0, 4, forbidden=(0,)), "p: 4 .* lower p by 1",
         FlowRefuelling(ROAD, TRIP, 80.0, 3, forbidden=(0,))),
        (FlowRefuelling(ROAD, TRIP, 80.0, 2, fixed=(1, 2), forbidden=(2, 3)),
         r"fixed: 1 of 2 fixed nodes are forbidden \(first: 2\); take 1 nodes out",
         FlowRefuelling(ROAD, TRIP, 80.0, 2, fixed=(1, 2), forbidden=(3,))),
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_met_says_by_how_much_to_relax_it(refused, message, relaxed):
    with pytest.raises(InfeasibleError, match=message):
        solve(refused)
    assert solve(relaxed).status == "optimal"
