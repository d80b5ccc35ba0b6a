"""What the commands do, once their command line is read. Each returns the exit code.

Exit codes: 0 fine, 1 failed, 2 bad usage, 3 finished, but messages are missing or unreadable.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bagmill.choices import BadChoices, Choices, choose
from bagmill.clioutput import (
    describe_error,
    error_facts,
    fail,
    print_dataset,
    print_index,
    say_json,
    show_progress,
    warn,
)
from bagmill.errors import BagmillError, OutputExists, SelectionError
from bagmill.probe import shown

FINE, FAILED, BAD_USAGE, INCOMPLETE = 0, 1, 2, 3


def info(file: Path, *, as_json: bool) -> int:
    """Say what is in a recording."""
    import tempfile

    from bagmill.index import index

    try:
        with tempfile.TemporaryDirectory() as folder, show_progress(file.name) as progress:
            report = index(file, Path(folder), progress=progress)
            facts = json.loads((Path(folder) / "index.json").read_text(encoding="utf-8"))
    except BagmillError as error:
        return _report_failure(file, error, as_json=as_json)
    if as_json:
        say_json(facts)
    else:
        print_index(facts)
    warn([warning.message for warning in report.warnings])
    return FINE if report.complete else INCOMPLETE


def doctor(file: Path, *, as_json: bool) -> int:
    """Say what is wrong with a recording."""
    from bagmill.clidoctor import print_diagnosis
    from bagmill.doctor import diagnose

    try:
        with show_progress(file.name) as progress:
            diagnosis = diagnose(file, progress)
    except BagmillError as error:
        return _report_failure(file, error, as_json=as_json)
    if as_json:
        say_json(diagnosis.as_json())
    else:
        print_diagnosis(file, diagnosis)
    return FINE if diagnosis.complete else INCOMPLETE


def convert(files: Sequence[Path], output: Path, given: Mapping[str, Any], *, as_json: bool) -> int:
    """Convert recordings; `given` are the options by their names, as text or as what they are."""
    try:
        options = choose(given)
    except BadChoices as error:
        for name, reason in error.problems:
            fail(f"--{name.replace('_', '-')}: {reason}", {}, "See `bagmill convert --help`.")
        return BAD_USAGE
    targets = _targets(files, output)
    if targets is None:
        return BAD_USAGE
    results = [
        _convert_one(file, target, options, as_json=as_json)
        for file, target in zip(files, targets, strict=True)
    ]
    if as_json:
        objects = [result for result, _ in results]
        say_json(objects[0] if len(files) == 1 else {"recordings": objects})
    return _worst([code for _, code in results])


def _targets(files: Sequence[Path], output: Path) -> list[Path] | None:
    """The dataset folder of each file: the output itself, or for several files one below it for each name.

    None if two would be the same, which is told.
    """
    if len(files) == 1:
        return [output]
    targets = [output / (file.name.removesuffix(".mcap") or file.name) for file in files]
    names = [target.name.lower() for target in targets]
    for file, name in zip(files, names, strict=True):
        if names.count(name) > 1:
            fail(
                f"{file} and another recording would both become the dataset {name}",
                {},
                "Convert them one by one, each with its own --output.",
            )
            return None
    return targets


def _convert_one(file: Path, target: Path, options: Choices, *, as_json: bool) -> tuple[dict[str, Any], int]:
    """Convert one file and print what came of it; the JSON object and the exit code."""
    from bagmill.convert import convert as convert_recording
    from bagmill.staging import write_dataset

    try:
        with show_progress(file.name) as progress:
            manifest = write_dataset(
                target, "convert", lambda folder: convert_recording(file, folder, options, progress)
            )
    except BagmillError as error:
        describe_error(error)
        return {"recording": shown(file), "error": error_facts(error)}, _code(error)
    if not as_json:
        print_dataset(file, target, manifest)
    warn([warning["message"] for warning in manifest["warnings"]])
    facts = {"recording": shown(file), "output": shown(target), **manifest}
    return facts, FINE if manifest["complete"] else INCOMPLETE


def _report_failure(file: Path, error: BagmillError, *, as_json: bool) -> int:
    describe_error(error)
    if as_json:
        say_json({"recording": shown(file), "error": error_facts(error)})
    return _code(error)


def _code(error: BagmillError) -> int:
    """Another command line would do better after these; after the others, another file or disk."""
    return BAD_USAGE if isinstance(error, SelectionError | OutputExists) else FAILED


def _worst(codes: Sequence[int]) -> int:
    return next((code for code in (FAILED, BAD_USAGE, INCOMPLETE) if code in codes), FINE)
