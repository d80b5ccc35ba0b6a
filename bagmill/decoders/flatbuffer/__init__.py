"""Flatbuffers: `decoder` is what others use. Column-wise, in this order: `plan`, `build`, with `findings`."""

from bagmill.decoders.flatbuffer.decoder import FlatbufferDecoder

__all__ = ["FlatbufferDecoder"]
