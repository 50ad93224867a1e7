"""Good choices of sites for a covering, bettered by shaking and by joining two of them."""

import numpy as np
from numpy.typing import NDArray

from charging.siting.cover_prices import Links
from charging.siting.cover_purse import Purse
from charging.siting.cover_search import covered_weight, search
from charging.siting.problem import FloatArray, IntArray

MEMBERS = 8
SHARE_DRAWN = 0.8
"""Part of the sites of a new choice drawn by their share in the relaxed answer; the others are chosen greedily."""
LEAST_SHARE = 1e-3
KEPT_SHARE = 0.8
"""Part of the sites kept where both parents are the same."""


class Pool:
    """Different good choices of sites.

    Parameters
    ----------
    links
        Who covers whom.
    purse
        What the sites may cost.
    rounds
        Rounds of shaking for each new choice.
    """

    def __init__(self, links: Links, purse: Purse, rounds: int) -> None:
        self.links, self.purse, self.rounds = links, purse, rounds
        self.random = np.random.default_rng(1)
        self.members: list[IntArray] = []
        self.values: list[float] = []
        self.made = 0

    def draw(self, share: FloatArray) -> IntArray:
        """Return a choice bettered from sites drawn by their shares in the relaxed answer."""
        luck = self.random.random(len(share)) ** (1.0 / np.maximum(share, LEAST_SHARE))
        sites = self.purse.prefix(np.argsort(-luck, kind="stable"))
        return self._better(sites[: int(SHARE_DRAWN * len(sites))])

    def join(self) -> IntArray:
        """Return a choice bettered from what two members have in common."""
        one, other = self.random.integers(0, len(self.members), 2)
        common = np.intersect1d(self.members[one], self.members[other])
        if len(common) == len(self.members[one]):
            common = common[self.random.random(len(common)) < KEPT_SHARE]
        return self._better(common)

    def take(self, sites: IntArray) -> None:
        """Take a choice in: as a further one, or in the place of the worst one where it is better and new."""
        value = covered_weight(self.links, sites)
        if value in self.values:
            return
        if len(self.members) < MEMBERS:
            self.members.append(sites)
            self.values.append(value)
            return
        worst = int(np.argmin(self.values))
        if value > self.values[worst]:
            self.members[worst], self.values[worst] = sites, value

    def _better(self, sites: NDArray[np.int64]) -> IntArray:
        self.made += 1
        found = search(self.links, self.purse.cost, self.purse.budget, sites, self.rounds, self.made)
        self.take(found)
        return found
