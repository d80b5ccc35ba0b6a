"""What a job says about an exception."""

import errno

import pytest

from bagmill.errors import OutputFailed, OutputUnverified, UnknownTopic
from services.errors import StorageFailed
from services.executors.failures import failure_of


def test_a_known_error_says_it_all_itself() -> None:
    told = failure_of(UnknownTopic("No topic matches /a.", where={"topic": "/a"}))

    assert (told.problem.code, told.problem.detail) == ("unknown_topic", "No topic matches /a.")
    assert told.problem.where == {"topic": "/a"}
    assert (told.traceback, told.retryable) == (None, False)


def test_an_unforeseen_one_keeps_its_text_for_the_log() -> None:
    told = failure_of(ValueError("secret detail"))

    assert told.problem.code == "internal_error"
    assert "secret" not in told.problem.model_dump_json()
    assert "ValueError: secret detail" in (told.traceback or "")
    assert not told.retryable


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), "out_of_memory"),
        (OSError(errno.ENOSPC, "No space left on device", "a.parquet"), "output_failed"),
        (OSError(errno.EDQUOT, "Quota exceeded"), "output_failed"),
        (OSError(errno.EIO, "Input/output error", "a.parquet"), "storage_failed"),
        (StorageFailed("No space left on device"), "storage_failed"),
    ],
)
def test_what_the_machine_lacked_may_be_there_next_time(error: Exception, code: str) -> None:
    told = failure_of(error)

    assert told.problem.code == code
    assert told.retryable


def test_a_full_disk_is_recognized_behind_another_error() -> None:
    error = UnknownTopic("No topic matches /a.")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")

    assert failure_of(error).retryable


@pytest.mark.parametrize(
    "error", [OutputFailed("The writer has ended."), OutputUnverified("It has no footer.")]
)
def test_what_was_not_written_as_it_should_be_is_written_again(error: Exception) -> None:
    assert failure_of(error).retryable
