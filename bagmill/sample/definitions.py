"""ROS 2 message definitions as recorders store them: one text with everything it needs.

The `.msg` files under `msg/` are those of ROS 2 (common_interfaces, geometry2, rcl_interfaces), unchanged.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

SEPARATOR = "=" * 80
_FIELD = re.compile(r"^([A-Za-z]\w*(?:/\w+)?)(?:\[[^\]]*\])?\s+\w+", re.MULTILINE)
_PRIMITIVES = frozenset(
    {"bool", "byte", "char", "float32", "float64", "string", "wstring"}
    | {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
)


def definition(name: str) -> str:
    """Text of `package/msg/Type` followed by each type it needs, each behind a line of `=` and `MSG: name`.

    The format of rosbag2's `ros2msg` schemas (MCAP's well-known schema encodings).
    """
    package, _, kind = name.split("/")
    needed: dict[str, None] = {}
    _collect(f"{package}/{kind}", needed)
    parts = [_text(f"{package}/{kind}")]
    parts += [f"{SEPARATOR}\nMSG: {each}\n{_text(each)}" for each in needed]
    return "\n".join(parts)


def _collect(name: str, found: dict[str, None]) -> None:
    for child in _children(name):
        if child not in found:
            found[child] = None
            _collect(child, found)


def _children(name: str) -> Iterator[str]:
    package = name.partition("/")[0]
    for kind in _FIELD.findall(_text(name)):
        if kind not in _PRIMITIVES:
            yield kind if "/" in kind else f"{package}/{kind}"


@cache
def _text(name: str) -> str:
    package, kind = name.split("/")
    return (files(__package__) / "msg" / package / f"{kind}.msg").read_text(encoding="utf-8")
