"""What the sites of a covering may cost: one purse, or several that must all suffice."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from charging.siting.problem import FloatArray, IntArray

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
        left = self.budget.copy()
        taken = []
        for site in order.tolist():
            if (self.cost[:, site] <= left + AFFORDABLE).all():
                taken.append(site)
                left -= self.cost[:, site]
        return np.array(taken, dtype=np.int64)

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


def make_purse(cost: FloatArray, budget: FloatArray) -> Purse:
    """Return the purses with equal weights in their joint cost; sites dearer than a purse must be left out."""
    return Purse(cost, budget, _scaled(cost, budget).mean(axis=0))


def _scaled(cost: FloatArray, budget: FloatArray) -> FloatArray:
    """Return costs as shares of the budget; an empty purse affords only what costs nothing."""
    scaled: FloatArray = cost / np.where(budget > 0, budget, 1.0)[:, None]
    return scaled
