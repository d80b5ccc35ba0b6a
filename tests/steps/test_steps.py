"""Each kind of step, run in this process on real recordings."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bagmill.errors import NothingSelected, RecordingNotFound
from bagmill.report import Progress, Report, silent
from models.job import JobRequest, Resources
from models.listed import Listed
from models.workflow import SourceStamp
from services.sources import stamp
from services.steps import KINDS, runner
from services.steps.inputs import SAMPLE_FILE, recording_of
from services.templates import TEMPLATES
from tests.conftest import Sample


def request(
    kind: str,
    output: Path,
    source: SourceStamp | None = None,
    inputs: dict[str, str] | None = None,
    **params: Any,
) -> JobRequest:
    """A request whose output folder is there and empty."""
    output.mkdir(exist_ok=True)
    return JobRequest(
        job=f"01J.{kind}",
        workflow="01J",
        step=kind,
        kind=kind,
        attempt=1,
        fence=1,
        params=params,
        source=source,
        inputs=inputs or {},
        output=str(output),
        resources=Resources(threads=1),
    )


def run(job: JobRequest) -> Report:
    return runner(job.kind)(job, silent)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_every_step_of_every_template_has_a_runner() -> None:
    kinds = {step.kind for template in TEMPLATES.values() for step in template.steps}

    assert kinds <= set(KINDS)
    for kind in KINDS:
        assert callable(runner(kind))


def test_there_is_no_runner_of_another_kind() -> None:
    with pytest.raises(KeyError):
        runner("inputs")


@pytest.mark.parametrize("kind", ["index", "convert", "visualize"])
def test_a_step_reports_exactly_what_it_has_written(kind: str, sample: Sample, tmp_path: Path) -> None:
    output = tmp_path / "out"

    report = run(request(kind, output, stamp(str(sample.path), tmp_path)))

    assert {file.path for file in report.outputs} == files(output) != set()
    assert report.complete
    json.dumps(dict(report.body), allow_nan=False)


def test_params_reach_the_core(sample: Sample, tmp_path: Path) -> None:
    source = stamp(str(sample.path), tmp_path)

    report = run(request("convert", tmp_path / "out", source, topics=["/imu/*"]))

    assert set(report.body["topics"]) == {"/imu/data"}
    with pytest.raises(NothingSelected):
        run(request("convert", tmp_path / "none", source, start_time="2100-01-01T00:00:00Z"))


def test_params_that_a_step_does_not_know_are_refused(sample: Sample, tmp_path: Path) -> None:
    source = stamp(str(sample.path), tmp_path)

    with pytest.raises(ValidationError):
        run(request("index", tmp_path / "out", source, topics=["/imu/*"]))


def test_a_sample_is_read_by_the_steps_after_it(tmp_path: Path) -> None:
    made = run(request("sample", tmp_path / "sample"))
    (file,) = made.outputs

    report = run(request("convert", tmp_path / "out", inputs={"sample": str(tmp_path / "sample")}))

    assert files(tmp_path / "sample") == {file.path} == {SAMPLE_FILE}
    assert report.counters["messages"] == made.counters["messages"] == file.rows


def test_without_any_recording_there_is_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(RecordingNotFound):
        recording_of(request("convert", tmp_path / "out", inputs={"index": str(tmp_path)}))


@pytest.fixture
def base(tmp_path: Path, sample: Sample) -> Path:
    """A recordings folder: two recordings, an empty file, a text file."""
    base = tmp_path / "recordings"
    (base / "day 1").mkdir(parents=True)
    content = sample.path.read_bytes()
    (base / "b.mcap").write_bytes(content)
    (base / "day 1" / "ä.mcap").write_bytes(content)
    (base / "empty.mcap").touch()
    (base / "notes.txt").write_text("no recording", "utf-8")
    return base


def expand(base: Path, output: Path, recordings: Any, **more: Any) -> tuple[Report, list[Listed]]:
    report = run(request("expand", output, recordings=recordings, base=str(base), **more))
    lines = (output / "recordings.jsonl").read_bytes().splitlines()
    return report, [Listed.model_validate_json(line) for line in lines]


@pytest.mark.parametrize(
    ("recordings", "names"),
    [
        (".", ["b.mcap", "day 1/ä.mcap", "empty.mcap"]),
        ("day 1", ["day 1/ä.mcap"]),
        ("*.mcap", ["b.mcap", "empty.mcap"]),
        (["empty.mcap", "b.mcap", "b.mcap"], ["empty.mcap", "b.mcap", "b.mcap"]),
    ],
)
def test_expand_lists_a_folder_a_glob_or_a_list(
    base: Path, tmp_path: Path, recordings: Any, names: list[str]
) -> None:
    report, listed = expand(base, tmp_path / "out", recordings)

    assert [one.recording for one in listed] == names
    assert report.counters == {"recordings": len(names)}
    assert report.outputs[0].rows == len(names)


def test_expand_stamps_each_recording_or_says_what_is_wrong(base: Path, tmp_path: Path) -> None:
    _, listed = expand(base, tmp_path / "out", ["b.mcap", "empty.mcap", "none.mcap", "day 1"])

    good, empty, missing, folder = listed
    assert good == Listed(recording="b.mcap", source=stamp("b.mcap", base))
    problems = [one.problem for one in (empty, missing, folder)]
    assert [problem.code for problem in problems if problem] == [
        "empty_recording",
        "recording_not_found",
        "not_a_recording_file",
    ]


def test_expand_of_nothing_is_a_warning_where_it_may_be(tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()

    report, listed = expand(tmp_path / "recordings", tmp_path / "out", ".", may_be_empty=True)

    assert listed == []
    assert [warning.code for warning in report.warnings] == ["no_recordings"]
    assert report.complete


def test_expand_of_nothing_is_an_error_elsewhere(base: Path, tmp_path: Path) -> None:
    with pytest.raises(RecordingNotFound, match=r"no/\*\.mcap"):
        expand(base, tmp_path / "out", "no/*.mcap")


def test_expand_names_what_json_cannot_name(base: Path, tmp_path: Path) -> None:
    try:
        (base / "bad\udcff.mcap").touch()
    except (OSError, UnicodeError):
        pytest.skip("this file system takes no names that are not UTF-8")

    report, listed = expand(base, tmp_path / "out", "*.mcap")

    assert [one.recording for one in listed] == ["b.mcap", "empty.mcap"]
    assert [warning.code for warning in report.warnings] == ["name_not_utf8"]
    assert not report.complete


def test_expand_tells_how_far_it_is(base: Path, tmp_path: Path) -> None:
    told: list[Progress] = []

    runner("expand")(request("expand", tmp_path / "out", recordings=".", base=str(base)), told.append)

    assert [(progress.done, progress.total) for progress in told] == [(0, 3), (1, 3), (2, 3)]
