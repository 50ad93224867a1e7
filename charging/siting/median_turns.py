"""Two trees over one p-median by turns: one on prices, quick a part, and one on cuts, with the better bound a part.

Which of them ends first is not known before: on graphs it is the prices, on grids with many like ways the cuts. Both
go on from where they were and share the best choice; turns are counted in parts, so that a search can be repeated.
"""

import numpy as np

from charging.siting.effort import Effort
from charging.siting.median_split import Splitting
from charging.siting.median_task import Median, Node
from charging.siting.median_tree import PriceTree

FIRST_NODES, FIRST_PARTS = 500, 30
"""Parts of the first turn on prices and on cuts, which take about as long; every further turn has twice as many."""
GOOD, BETTER = 0.5, 2.0
"""Share of the way to the goal after which prices need no cuts, and how much further one has to be to go on alone."""


def search_by_turns(median: Median, root: Node, effort: Effort) -> float:
    """Return the lowest bound of what is left when `effort` ends; the best choice is kept in `median`."""
    turns = Turns(median, root, effort)
    while not turns.is_over():
        turns.take()
    return turns.bound


class Turns:
    """The two trees, which of them go on, and the bound so far.

    Parameters
    ----------
    median
        The p-median and its best choice.
    root
        All its choices.
    effort
        When to stop.
    """

    def __init__(self, median: Median, root: Node, effort: Effort) -> None:
        self.median, self.root, self.effort = median, root, effort
        self.prices, self.cuts = PriceTree(median, root, effort), Splitting(median, root, effort)
        self.bound, self.rounds = median.round_up(root.bound), 0

    def is_over(self) -> bool:
        """Return whether nothing is left, or the effort ends."""
        gap = self.effort.gap
        if self.bound >= self.median.bound_of(np.inf, gap) or self.bound > self.median.limit(gap):
            return True
        return self.prices.is_over() or self._nodes_left() <= 0 or self.effort.seconds_left() < 0

    def _nodes_left(self) -> float:
        most = np.inf if self.effort.nodes is None else self.effort.nodes
        return most - self.prices.visited - self.cuts.visited

    def take(self) -> None:
        """Give one turn to each tree that is worth it."""
        by_prices, by_cuts = self._worth()
        longer = 2.0**self.rounds
        self.rounds += 1
        if by_prices:
            self.bound = self.prices.search(min(FIRST_NODES * longer, self._nodes_left()), self.bound)
        if by_cuts and not self.is_over():
            self.bound = self.cuts.search(min(FIRST_PARTS * longer, self._nodes_left()), self.bound)

    def _worth(self) -> tuple[bool, bool]:
        """Return whether prices and cuts go on: by how far they have come."""
        prices, cuts = self._way(self.prices.least()), self._way(self.cuts.least())
        if self.rounds == 0 or prices >= GOOD or self.cuts.is_stuck:
            return True, False
        if not self.cuts.has_begun:
            return False, True
        return cuts <= BETTER * prices, prices <= BETTER * cuts

    def _way(self, least: float) -> float:
        """Return the share of the way from the bound at the root to the goal."""
        goal = self.median.limit(self.effort.gap)
        return (least - self.root.bound) / max(goal - self.root.bound, 1e-12)
