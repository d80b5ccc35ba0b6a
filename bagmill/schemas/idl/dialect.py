"""The two kinds of IDL in recordings."""

from dataclasses import dataclass

from bagmill.schemas.tree import Extensibility


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between the IDL of ROS 2 and all other.

    `separator`: between the parts of a type's name. `extensibility`: of types that do not say theirs.
    `ros`: whether a struct of nothing but `PLACEHOLDER` is a message without fields; elsewhere a struct
    without members takes no bytes, which no message of the tree does.
    """

    separator: str
    extensibility: Extensibility
    ros: bool
