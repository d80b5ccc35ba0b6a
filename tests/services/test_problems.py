"""From exceptions to problem objects."""

import errno

import pytest

from bagmill.errors import BagmillError, NotMcap, RecordingNotFound
from bagmill.faults import Fault
from bagmill.suggestions import did_you_mean
from services.errors import InvalidRequest
from services.problems import kinds, problem_of, title_of


def test_a_problem_says_what_where_and_what_to_do() -> None:
    problem = problem_of(NotMcap("It is a bag.", where={"path": "/a.mcap", "offset": 0}, hint="Convert it."))

    assert problem.model_dump() == {
        "type": "/problems/not_mcap",
        "title": "The file is not an MCAP: it does not start with the MCAP magic bytes",
        "status": None,
        "detail": "It is a bag.",
        "code": "not_mcap",
        "hint": "Convert it.",
        "where": {"path": "/a.mcap", "offset": 0},
        "errors": [],
    }


def test_a_pointer_is_also_an_error_of_the_list() -> None:
    problem = problem_of(RecordingNotFound(where={"pointer": "/params/recording"}))

    assert [(item.pointer, item.detail) for item in problem.errors] == [
        ("/params/recording", "There is no file at this path.")
    ]


def test_faults_become_errors() -> None:
    problem = problem_of(InvalidRequest("Two.", items=[Fault("/a", "A.", "Do."), Fault("/b", "B.")]))

    assert [(item.pointer, item.hint) for item in problem.errors] == [("/a", "Do."), ("/b", None)]


@pytest.mark.parametrize("exc", [KeyError("secret"), ValueError("secret"), SystemExit("secret")])
def test_the_inside_of_the_program_is_not_shown(exc: BaseException) -> None:
    problem = problem_of(exc)

    assert problem.code == "internal_error"
    assert "secret" not in problem.model_dump_json()
    assert type(exc).__name__ in problem.detail


def test_the_operating_system_is_believed() -> None:
    problem = problem_of(OSError(errno.ENOSPC, "No space left on device", "/data/x"))

    assert problem.code == "storage_failed"
    assert problem.detail == "No space left on device."
    assert problem.where == {"path": "/data/x"}


def test_what_json_cannot_carry_is_escaped() -> None:
    problem = problem_of(RecordingNotFound("no \udcff", where={"path": "/\udcff"}))

    assert problem.detail == "no \\udcff"
    assert "\\\\udcff" in problem.model_dump_json()


def test_every_kind_tells_itself() -> None:
    for code, kind in kinds().items():
        assert issubclass(kind, BagmillError)
        assert kind.code == code
        assert title_of(kind)
        assert kind.default_hint


def test_suggestions() -> None:
    known = ["recording", "recordings", "topics"]

    assert did_you_mean("topic", known) == "Did you mean `topics`?"
    assert did_you_mean("zzz", known) == "Known: `recording`, `recordings`, `topics`."
    assert did_you_mean("zzz", []) == "There are none here."
    assert did_you_mean("x" * 1_000_000, known).startswith("Known")
