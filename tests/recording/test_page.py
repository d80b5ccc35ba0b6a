"""docs/index.md shows what index writes: the same fields, and the values of the sample recording."""

import json
import re
from pathlib import Path
from typing import Any

from bagmill.index import index
from bagmill.options import IndexOptions
from bagmill.recording import Recording
from config import ROOT
from tests.conftest import Sample
from tests.recording.making import Maker, messages

PAGE = (ROOT / "docs" / "index.md").read_text("utf-8")


def shown() -> dict[str, Any]:
    found = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert found
    content: dict[str, Any] = json.loads(found[1])
    return content


def written(sample: Path, output: Path) -> dict[str, Any]:
    index(sample, output, IndexOptions())
    content: dict[str, Any] = json.loads((output / "index.json").read_text("utf-8"))
    return content


def fields(value: Any) -> Any:
    """The names of all fields, of lists those of their first element; maps with free names are left out."""
    if isinstance(value, dict):
        return {name: fields(part) for name, part in value.items() if name not in {"metadata", "values"}}
    return [fields(value[0])] if isinstance(value, list) and value else None


def test_the_page_shows_all_fields_in_their_order(sample: Sample, tmp_path: Path) -> None:
    content = written(sample.path, tmp_path)
    content["topics"] = {"/imu/data": content["topics"]["/imu/data"]}

    assert json.dumps(fields(shown())) == json.dumps(fields(content))


def test_the_page_shows_the_sample(sample: Sample, tmp_path: Path) -> None:
    page, content = shown(), written(sample.path, tmp_path)
    varying = {"size", "identity", "chunks", "library", "schemas", "topics"}

    assert {name: page[name] for name in page.keys() - varying} == {
        name: content[name] for name in content.keys() - varying
    }
    topic, real = page["topics"]["/imu/data"], content["topics"]["/imu/data"]
    assert {**topic, "channels": []} == {**real, "channels": []}
    assert page["schemas"][0] in content["schemas"]


def test_the_page_explains_the_fields_of_a_loss(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    path.write_bytes(Maker.plain().chunk(messages(3), crc=1).chunk(messages(1)).finish())
    with Recording.open(path) as recording:
        list(recording.blocks())
        (loss,) = recording.losses

    assert not [name for name in loss.facts() if f"`{name}`" not in PAGE]
