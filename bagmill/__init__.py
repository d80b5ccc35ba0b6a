"""Bagmill's conversion core: reads MCAP recordings, decodes messages into typed columns, writes datasets.

A library of its own. It knows nothing of HTTP, queues or workflows, and importing it loads no pyarrow.
"""

__version__ = "0.1.0"
