"""What is known about the position behind a value, from what is known before it."""

from bagmill.decoders.columnar.alignment import Known, Sizes
from bagmill.decoders.columnar.plan import COUNT
from bagmill.decoders.wire import Wire
from bagmill.schemas.tree import Kind, Mapping, Primitive, Sequence, Type, children


class Flow:
    """Follows positions through types, each type once for each thing that can be known before it."""

    def __init__(self, wire: Wire, sizes: Sizes) -> None:
        self._wire = wire
        self._sizes = sizes
        self._after: dict[tuple[int, Known], Known] = {}

    def after(self, node: Type, known: Known) -> Known:
        """What is known behind a value of the type."""
        key = id(node), known
        if key not in self._after:
            delimited = self._wire.is_delimited(node)
            self._after[key] = self._follow(node, self._counted(known) if delimited else known)
        return self._after[key]

    def begin(self, element: Type, known: Known, lead: int) -> Known:
        """What is known where any element of a list begins, with the first near a position."""
        found = known.aligned(lead)
        while True:
            following = self.after(element, found).aligned(lead)
            if found.either(following) == found:
                return found
            found = found.either(following)

    def behind(self, node: Sequence, known: Known) -> Known:
        """What is known behind the elements of a list, the first of which is near a position."""
        if node.size is None:
            # Of no elements not even the alignment is there.
            return self.begin(node.element, known, 1)
        if self._sizes.is_fixed(node.element):
            stride = self._sizes.layout(node.element).stride
            return self.after(node.element, known).plus((node.size - 1) * stride)
        return self.after(node.element, self.begin(node.element, known, 1))

    def _follow(self, node: Type, known: Known) -> Known:
        match node:
            case Primitive(kind=Kind.STRING):
                return Known(1)
            case Primitive(kind=Kind.WSTRING):
                counted = self._counted(known)
                return counted.either(counted.plus(self._wire.wide))
            case Primitive(kind=kind):
                size = self._sizes.number(kind)
                return known.aligned(self._sizes.alignment(size)).plus(size)
            case Sequence(size=size):
                return self.behind(node, self._counted(known) if size is None else known)
            case Mapping():
                return self._follow(self._sizes.pairs(node), known)
        for _, child in children(node):
            known = self.after(child, known)
        return known if any(children(node)) else known.plus(1 if self._wire.terminated else 0)

    def _counted(self, known: Known) -> Known:
        return known.aligned(self._sizes.alignment(COUNT)).plus(COUNT)
