"""Protobuf: `decoder` is what others use. Column-wise, in this order: `plan`, `walk`, `level`, `build`."""

from bagmill.decoders.protobuf.decoder import ProtobufDecoder

__all__ = ["ProtobufDecoder"]
