"""What a dataset says of itself to a person: `report.md`, and a picture of each numeric feature."""

from bagmill.dataset.report.page import write_report
from bagmill.dataset.report.traces import Trace, trace_of

__all__ = ["Trace", "trace_of", "write_report"]
