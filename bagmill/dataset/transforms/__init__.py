"""Transforms on whole columns: each step of a feature, checked before anything is read."""

from bagmill.dataset.transforms.base import Chain, Op
from bagmill.dataset.transforms.build import steps
from bagmill.dataset.transforms.numeric import Fit

__all__ = ["Chain", "Fit", "Op", "steps"]
