"""What the checks of the exercises are written with."""

from course.harness.failures import Failure, Wrong, wrong

__all__ = ["Failure", "Wrong", "wrong"]
