"""The `.rrd` file while it is written: chunks stream into it, and memory stays bounded."""

from collections.abc import Iterator
from pathlib import Path

import rerun as rr
from rerun.chunk import Chunk

from bagmill.errors import OutputFailed
from bagmill.visualize.blueprint import blueprint
from bagmill.visualize.tally import Tally

APPLICATION_ID = "bagmill"
_FLUSH_BYTES = 32 << 20
"""The SDK queues chunks without a bound; waiting for the file after this many bytes is the bound."""


def write_rrd(path: Path, recording_id: str, name: str, chunks: Iterator[Chunk], tally: Tally) -> None:
    """Write chunks and the layout they ask for into one file, and count them in `tally` as they pass.

    Raises:
        OutputFailed: the file can't be written.
    """
    stream = rr.RecordingStream(APPLICATION_ID, recording_id=recording_id, send_properties=False)
    try:
        stream.save(path)
        stream.send_recording_name(name)
        rr.send_chunks(_counted(stream, chunks, tally), recording=stream)
        stream.send_blueprint(blueprint(tally), make_active=True, make_default=True)
        stream.flush()
    except RuntimeError as error:
        raise OutputFailed(
            f"the Rerun recording can't be written: {error}", where={"path": path.name}
        ) from error
    except UnicodeEncodeError as error:
        raise OutputFailed(
            "the Rerun SDK takes only paths that are UTF-8", where={"path": path.name}
        ) from error
    finally:
        stream.disconnect()


def _counted(stream: rr.RecordingStream, chunks: Iterator[Chunk], tally: Tally) -> Iterator[Chunk]:
    waiting = 0
    for chunk in chunks:
        waiting += tally.add(chunk)
        yield chunk
        if waiting >= _FLUSH_BYTES:
            stream.flush()
            waiting = 0
