"""From a tool's output to what failed: type, place, severity and what to do (S35)."""

from autodev_tui.quality.failures.classify import classify
from autodev_tui.quality.failures.model import Failure, FailureType, Severity, Strategy

__all__ = ["Failure", "FailureType", "Severity", "Strategy", "classify"]
