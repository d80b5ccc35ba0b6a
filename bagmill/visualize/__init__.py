"""Visualize: a recording becomes a Rerun recording (`.rrd`)."""

from bagmill.visualize import sdk as _sdk  # first: it quiets the SDK, which reads its log level when imported
from bagmill.visualize.run import visualize

__all__ = ["visualize"]

del _sdk
