"""JSON messages: many at once where that gives the same as one by one, and one by one where it does not."""

from bagmill.decoders.json.decoder import JsonDecoder
from bagmill.decoders.json.inspection import JsonInspection
from bagmill.decoders.json.kept import Room

__all__ = ["JsonDecoder", "JsonInspection", "Room"]
