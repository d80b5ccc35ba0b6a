"""What stands behind the data section of a file whose summary can't be used."""

from bagmill.probe import MAGIC
from bagmill.recording.account import Account
from bagmill.recording.records import HEAD, HEAD_SIZE, SUMMARY_OPCODES, Opcode
from bagmill.recording.source import Source, Window, written_size


def check_tail(source: Source, at: int, account: Account) -> None:
    """Go from the end of the data section to the end of the file, and record what should not be so.

    A file that ends early here has lost no message; other bytes than a summary may be a recording of their
    own.
    """
    size = written_size(source)
    window = Window(source, size)
    while at + HEAD_SIZE <= size:
        opcode, length = HEAD.unpack_from(window.at(at, HEAD_SIZE))
        end = at + HEAD_SIZE + length
        if opcode == Opcode.FOOTER and length == 20:
            _check_end(window, end, size, account)
            return
        if opcode not in SUMMARY_OPCODES:
            reason = "bytes that are no summary follow the end of the data"
            account.lose(at, size - at, reason, code="trailing_bytes")
            return
        if end > size:
            break
        at = end
    account.lose(
        at,
        size - at,
        "the file was cut off inside its summary; all messages are there",
        harmless=True,
        code="truncated",
    )


def _check_end(window: Window, at: int, size: int, account: Account) -> None:
    end = at + len(MAGIC)
    if end > size:
        account.lose(
            at,
            max(0, size - at),
            "the file was cut off inside its footer; all messages are there",
            harmless=True,
            code="truncated",
        )
    elif bytes(window.at(at, len(MAGIC))) != MAGIC:
        account.lose(at, len(MAGIC), "the magic bytes at the end are damaged", harmless=True)
    elif end < size:
        account.lose(end, size - end, "bytes follow the end of the recording", code="trailing_bytes")
