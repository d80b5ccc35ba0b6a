"""What stands where a row has no value: zeros, or a constant of the spec."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from bagmill.dataset.sources import constant
from bagmill.dataset.spec import Missing
from bagmill.dataset.spec.transforms import Cast
from bagmill.dataset.transforms import Chain, steps
from bagmill.dataset.transforms.base import unfit
from bagmill.dataset.transforms.listing import reshape
from bagmill.dataset.values import Values, ValueType, name_of


def filler_of(missing: Missing, final: ValueType, pointer: str) -> Values | None:
    """The value of one row, of the type `final`; None for policies that need none.

    Raises:
        SpecUnfit: the type has no zeros, or the constant is none of its values.
    """
    if missing.policy == "zeros":
        if not final.is_dense or final.is_time:
            raise unfit(
                f"{pointer}/policy", f"{final} has no zeros.", "Use `null`, `drop_row` or `constant`."
            )
        return Values(np.zeros((1, *final.sizes), final.numpy), np.ones(1, np.bool_), final)
    return _constant_of(missing.value, final, f"{pointer}/value") if missing.policy == "constant" else None


def _constant_of(value: Any, final: ValueType, pointer: str) -> Values:
    if not final.is_fixed or final.is_time or final.image:
        raise unfit(pointer, f"there are no constants of {final}.", "Use `null` or `drop_row`.")
    found = _as_element(constant(value, pointer), value, final, pointer)
    if found.type.shape == final.shape:
        return replace(found, type=final)
    if found.type.shape:
        raise unfit(pointer, f"{list(found.type.shape)} is its shape, and that of the feature is {final}.")
    return _in_all_places(found, final)


def _as_element(found: Values, value: Any, final: ValueType, pointer: str) -> Values:
    """The constant with elements of the final type, which must hold it: no rounding, no text from numbers."""
    if found.type.element == final.element:
        return found
    is_number = found.type.is_number and final.is_number
    if not is_number and not (found.type.is_text and final.is_bytes):
        raise unfit(pointer, f"{value!r} is no value of {final}.")
    spec = Cast.model_validate({"op": "cast", "dtype": name_of(final.element), "overflow": "null"})
    done = Chain(found.type, tuple(steps([(pointer, spec)], found.type)))(found)
    changed = final.is_dense and not final.is_float and not np.array_equal(done.data, found.data)
    if not done.present.all() or changed:
        raise unfit(pointer, f"{value!r} is no value of {final}.")
    return done


def _in_all_places(one: Values, final: ValueType) -> Values:
    """One element in all places of a value."""
    if final.is_dense:
        return Values(np.full((1, *final.sizes), one.data[0], final.numpy), np.ones(1, np.bool_), final)
    flat = ValueType(final.element, (final.size,))
    items = one.data.take(pa.array(np.zeros(final.size, np.int64)))
    lists = Values.sparse(pa.FixedSizeListArray.from_arrays(items, type=flat.arrow), flat)
    return reshape(final.sizes, flat, "").run(lists, None)
