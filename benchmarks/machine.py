"""What a measurement ran on. Names of hosts and folders stay out."""

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT

_PACKAGES = ("numpy", "pyarrow", "rerun-sdk", "mcap", "mcap-ros2-support")
_PIN = re.compile(r"([\w.-]+)==([\w.]+)")


def facts() -> dict[str, Any]:
    """Processor, cores, memory, system, load in the last minute, Python and versions of packages."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
        "packages": {name: version(name) for name in _PACKAGES}
        | dict(_PIN.findall((ROOT / "requirements-bench.txt").read_text())),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*:\s*(.+)", info.read_text()) if info.exists() else []
    return names[0] if names else platform.processor()
