"""What CDR can hold but is not decoded: such topics are kept as bytes."""

from bagmill.errors import SchemaUnsupported
from bagmill.schemas.tree import Extensibility, Mapping, Struct, Type, Union, children


def check_plain(root: Struct) -> Struct:
    """Return the tree if plain CDR is all that its messages need.

    Raises:
        SchemaUnsupported: there are unions, maps, optional members or mutable types in it.
    """
    waiting: list[Type] = [root]
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Union | Mapping) or (isinstance(node, Struct) and _needs_headers(node)):
            name = node.name if isinstance(node, Struct | Union) else "a map"
            raise SchemaUnsupported(
                f"{root.name} holds {name}, which is not decoded", where={"schema": root.name}
            )
        waiting.extend(child for _, child in children(node))
    return root


def _needs_headers(node: Struct) -> bool:
    """Whether members have headers of their own in the bytes."""
    return node.extensibility is Extensibility.MUTABLE or any(item.optional for item in node.fields)
