"""How a limit is divided, and what a tariff leaves: small loops over rows of numbers, the same in every engine.

They index and compare only, so that a compiler for numerical Python takes them as they are, and so do lists.
"""

from collections.abc import MutableSequence, Sequence


def share_fairly(wishes: MutableSequence[int], first: int, end: int, limit: int) -> None:
    """Cut wishes `first` to `end` (not included) so that they fit the limit: equal shares, less for who asks less.

    Parameters
    ----------
    wishes
        Powers asked for, from 0 on [W]; become those granted.
    limit
        Power there is [W]. What whole numbers leave over is not given.
    """
    total = 0
    for i in range(first, end):
        total += wishes[i]
    if total <= limit:
        return
    left, share, content = limit, 0, -1
    asking = end - first
    # Whoever asks for no more than an equal share gets it; the rest share what is left, until nobody new is content.
    while asking > 0:
        share = left // asking
        settled, number = 0, 0
        for i in range(first, end):
            if content < wishes[i] <= share:
                settled += wishes[i]
                number += 1
        if number == 0:
            break
        content = share
        left -= settled
        asking -= number
    for i in range(first, end):
        wishes[i] = min(wishes[i], share)


def cheaper_time_us(prices: Sequence[int], step_us: int, now: int, until: int) -> int:
    """Return the time after the present step and before `until` in which the price is lower than now [us].

    Parameters
    ----------
    prices
        Price in each step from midnight on.
    step_us
        Length of a step [us].
    now, until
        Times [us]; nothing is known beyond the last step.
    """
    present = now // step_us
    if present >= len(prices):
        return 0
    total = 0
    for step in range(present + 1, len(prices)):
        begin = step * step_us
        if begin >= until:
            break
        if prices[step] < prices[present]:
            total += min(begin + step_us, until) - begin
    return total
