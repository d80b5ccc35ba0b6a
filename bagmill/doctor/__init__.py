"""Doctor: what is wrong, odd or good to know about a recording, each with a severity and a remedy."""

from bagmill.doctor.diagnosis import Diagnosis, diagnose
from bagmill.doctor.findings import Finding, Severity

__all__ = ["Diagnosis", "Finding", "Severity", "diagnose"]
