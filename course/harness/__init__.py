"""What the checks of the exercises are written with."""

from course.harness.failures import Failure, Wrong

__all__ = ["Failure", "Wrong"]
