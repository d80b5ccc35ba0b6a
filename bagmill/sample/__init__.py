"""A small recording that Bagmill makes itself: for the demo, the self-check and the tests."""

from bagmill.sample.recorder import write_sample

__all__ = ["write_sample"]
