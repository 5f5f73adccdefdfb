"""The statistics of the page: medians, their confidence intervals, and what follows from those.

The rule was fixed before the run; results.md explains it. The interval is the confidence interval of the
median by order statistics, which is the sign test turned around: at 99% it needs eight rounds.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable

LEVEL = 0.99
TOO_FEW = "too few rounds"
HOLDS, FAILS, OPEN = "holds", "**does not hold**", "not settled by this run"


def median(samples: Iterable[float]) -> float:
    """The median; nan if there is no sample."""
    values = list(samples)
    return statistics.median(values) if values else math.nan


def interval(samples: list[float]) -> tuple[float, float] | None:
    """The confidence interval of the median at LEVEL; None if there are too few samples for one."""
    ordered, count = sorted(samples), len(samples)
    found, outside = None, 0.0
    for low in range(count // 2):
        # As likely as this lies the median below ordered[low] or above its counterpart.
        outside += 2 * math.comb(count, low) / 2**count
        if outside > 1 - LEVEL:
            break
        found = ordered[low], ordered[-1 - low]
    return found


def ratios(samples: list[float], to: list[float]) -> list[float]:
    """Round by round: each sample divided by the one that was measured next to it."""
    return [one / max(other, 1e-9) for one, other in zip(samples, to, strict=True)]


def difference(over: list[float]) -> str:
    """What the ratios say: "more", "less", "no difference found", or that the rounds are too few."""
    found = interval(over)
    if found is None:
        return TOO_FEW
    low, high = found
    return "more" if low > 1 else "less" if high < 1 else "no difference found"


def above(samples: list[float], limit: float) -> str:
    """The verdict on "the median is above the limit"."""
    found = interval(samples)
    if found is None:
        return TOO_FEW
    low, high = found
    return HOLDS if low > limit else FAILS if high <= limit else OPEN


def below(samples: list[float], limit: float) -> str:
    """The verdict on "the median is below the limit"."""
    return above([-sample for sample in samples], -limit)


def every(verdicts: Iterable[str]) -> str:
    """One verdict for several: the worst of them."""
    return max(verdicts, key=[HOLDS, OPEN, TOO_FEW, FAILS].index)


def shown(samples: Iterable[float], digits: int = 2, scale: float = 1.0) -> str:
    """The median of some samples, with its interval if there is one: "1.03 (1.01 to 1.10)"."""
    values = [sample * scale for sample in samples]
    found = interval(values)
    text = f"{median(values):,.{digits}f}"
    return f"{text} ({found[0]:,.{digits}f} to {found[1]:,.{digits}f})" if found else text


def target(over: list[float], limit: float | None) -> list[str]:
    """Two cells of a table: the target, and whether the median, as the page shows it, meets it."""
    if limit is None:
        return ["", ""]
    return [f"{limit:g}", "met" if round(median(over), 2) <= limit else "**missed**"]


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table. The columns after the first are aligned to the right."""
    marks = ["---:" if number else "---" for number in range(len(head))]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, marks, *rows])
