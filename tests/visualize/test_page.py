"""The page of the format says what the code does."""

import json
import re
import subprocess
import sys
from pathlib import Path

from bagmill.visualize.plan import SDK_PROTOBUF, SDK_ROS2
from bagmill.visualize.shapes import Shown
from bagmill.visualize.shapes.plots import LONGEST_LIST, MOST_PLOTS
from config import ROOT
from tests.conftest import Sample
from tests.visualize.rrd import show

PAGE = (ROOT / "docs" / "rrd.md").read_text("utf-8")
KINDS = set(re.findall(r"^\|[^|]*\| `(\w+)` \|", PAGE, re.MULTILINE)) - {"shown"}


def test_every_way_of_showing_is_listed() -> None:
    assert {kind.value for kind in Shown} == KINDS


def test_message_types_of_the_sdk_are_named() -> None:
    names = {name.rsplit("/", 1)[-1].rsplit(".", 1)[-1] for name in (*SDK_ROS2, *SDK_PROTOBUF)}
    like_those = {"FluidPressure", "Illuminance", "RelativeHumidity"}

    assert not {name for name in names - like_those if not re.search(rf"\b{name}\b", PAGE)}


def test_limits_are_those_of_the_code() -> None:
    assert f"more than {LONGEST_LIST} values and plots beyond {MOST_PLOTS}" in PAGE


def test_the_manifest_has_the_fields_shown(sample: Sample, tmp_path: Path) -> None:
    run = show(sample.path, tmp_path / "out", topics="/odom")
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    shown = json.loads("{" + block + "}")["topics"]["/odom"]

    counts = {"rows": 50, "messages": {"read": 50, "written": 50, "skipped": 0, "unreadable": 0}}
    assert run.topics["/odom"] == shown | counts


def test_the_example_runs(sample: Sample, tmp_path: Path) -> None:
    run = show(sample.path, tmp_path / "out")
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=run.path.parent, capture_output=True, text=True, check=True
    )

    assert done.stdout.startswith("50 [")
    assert "Transform3D:translation" in done.stdout
