# SPDX-License-Identifier: BSD-2-Clause
"""Ranges of numbers from 0 on, which do not touch each other."""
import bisect


class Ranges:
    """Sorted pairs (first, end)."""

    def __init__(self):
        self.pairs = []

    def add(self, first, end):
        """All of [first, end) is in."""
        low = bisect.bisect_left(self.pairs, first, key=lambda pair: pair[1])
        high = bisect.bisect_right(self.pairs, end, key=lambda pair: pair[0])
        if low < high:
            first = min(first, self.pairs[low][0])
            end = max(end, self.pairs[high - 1][1])
        self.pairs[low:high] = [(first, end)]

    def covers(self, first, end):
        """Is all of [first, end) in?"""
        return self.around(first, end) is not None

    def around(self, first, end):
        """The pair that has all of [first, end); None."""
        at = bisect.bisect_right(self.pairs, first, key=lambda pair: pair[0]) - 1
        return self.pairs[at] if at >= 0 and end <= self.pairs[at][1] else None

    def cut_below(self, number):
        """Forgets what is below the number."""
        while self.pairs and self.pairs[0][1] <= number:
            self.pairs.pop(0)
        if self.pairs and self.pairs[0][0] < number:
            self.pairs[0] = (number, self.pairs[0][1])

    def total(self):
        """How many numbers are in."""
        return sum(end - first for first, end in self.pairs)
