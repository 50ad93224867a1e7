"""What the sites of a covering may cost: one purse, or several that must all suffice."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from charging.siting.problem import FloatArray, IntArray
from networks.compiled import compiled

AFFORDABLE = 1e-9


@dataclass(frozen=True, eq=False)
class Purse:
    """What the sites may cost.

    Parameters
    ----------
    cost, budget
        Purses x sites, and the content of each purse; all must suffice.
    joint
        One cost a site such that every choice that keeps to all purses costs at most 1.
    """

    cost: FloatArray
    budget: FloatArray
    joint: FloatArray

    def affords(self, sites: IntArray) -> bool:
        """Return whether every purse suffices for `sites`."""
        spent = self.cost[:, sites].sum(axis=1)
        return bool((spent <= self.budget + AFFORDABLE * np.maximum(self.budget, 1.0)).all())

    def prefix(self, order: IntArray) -> IntArray:
        """Return the sites of `order`, each taken if it is still affordable."""
        taken = np.empty(order.size, np.int64)
        return taken[: _prefix(self.cost, self.budget.copy(), order, taken)]

    def restrict(self, taken: IntArray, free: IntArray) -> "Purse":
        """Return what is left for the `free` sites when `taken` are paid."""
        left = np.maximum(self.budget - self.cost[:, taken].sum(axis=1), 0.0)
        joint_left = max(1.0 - float(self.joint[taken].sum()), AFFORDABLE)
        return Purse(self.cost[:, free], left, self.joint[free] / joint_left)

    def joined(self, worth: FloatArray) -> "Purse":
        """Return the purse with the joint cost that bounds the worth of sites best.

        The purses are weighted by their prices in the linear program: most worth within all of them.
        """
        scaled = _scaled(self.cost, self.budget)
        if len(scaled) == 1:
            return self
        found = linprog(-worth, A_ub=scaled, b_ub=np.ones(len(scaled)), bounds=(0.0, 1.0), method="highs")
        price = np.maximum(-found.ineqlin.marginals, 0.0) if found.status == 0 else np.zeros(len(scaled))
        if price.sum() <= 0:
            return self
        return Purse(self.cost, self.budget, price / price.sum() @ scaled)


@compiled
def _prefix(cost: FloatArray, left: FloatArray, order: IntArray, taken: IntArray) -> int:
    """Write the sites taken; return how many they are. `left` is what the purses hold."""
    count = 0
    for site in order:
        affordable = True
        for purse in range(left.size):
            affordable = affordable and cost[purse, site] <= left[purse] + AFFORDABLE
        if affordable:
            for purse in range(left.size):
                left[purse] -= cost[purse, site]
            taken[count] = site
            count += 1
    return count


def make_purse(cost: FloatArray, budget: FloatArray) -> Purse:
    """Return the purses with equal weights in their joint cost; sites dearer than a purse must be left out."""
    return Purse(cost, budget, _scaled(cost, budget).mean(axis=0))


def _scaled(cost: FloatArray, budget: FloatArray) -> FloatArray:
    """Return costs as shares of the budget; an empty purse affords only what costs nothing."""
    scaled: FloatArray = cost / np.where(budget > 0, budget, 1.0)[:, None]
    return scaled
