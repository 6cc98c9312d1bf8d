"""Whether the declared preprocessing can be read, and fits the model as far as it is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contract.errors import PreprocessingError
from contract.preprocessing import LARGEST_SIDE, preprocessing_from_value
from contract.served import DEFAULT_SIDE
from infra.config.faults import Fault, shown
from infra.config.sources import OnnxSource, default_preprocessing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contract.served import ImageShape
    from infra.config.faults import StackFile
    from infra.config.inspection import ModelFacts
    from infra.config.sources import Source

_KEY = "model.preprocessing"
_COLORS = 3
_ANY_SHAPE = (_COLORS, 1, 1)
_USUAL_SHAPE = (_COLORS, DEFAULT_SIDE, DEFAULT_SIDE)
_NO_KEY = "is not a key"


def preprocessing_faults(right: Mapping[str, Any], facts: ModelFacts, file: StackFile) -> list[Fault]:
    """Check the preprocessing that is declared, or the one by default.

    Args:
        right: values that are right by themselves, by dotted key.
        facts: what is known of the model. Where nobody knows its shape the values are read all the same, for the
            model that takes most: whether they fit is the build's to say.
        file: the stack's file, for the edits that mend.
    """
    source = right.get("model.source")
    if source is None or _KEY not in right:
        return []
    declared, default = right[_KEY], default_preprocessing(source)
    if declared is None and facts.whole_numbers:
        return []  # the build takes a picture's own values
    value = default if declared is None else declared
    fitting = facts.shape or _loosest_shape(value, source)
    error = _error(value, fitting)
    if error is None:
        return _fractions(value, facts, file)
    key, found, accepted = _parts(error)
    if declared is None:
        found, accepted, key = f"is missing, and by default {key} {found}", f"what fits: {accepted}", ""
    elif found != _NO_KEY:
        found = _as_written(declared, key) or found
    usual = fitting if fitting != _ANY_SHAPE else _USUAL_SHAPE
    mend = _mend(value if declared is not None else None, key, _fallback(default, usual), usual, file)
    return [Fault(key=f"{_KEY}.{key}" if key else _KEY, found=found, accepted=accepted, mend=mend)]


def _fractions(value: object, facts: ModelFacts, file: StackFile) -> list[Fault]:
    """See that a model of whole numbers gets such."""
    if not facts.whole_numbers or facts.shape is None or preprocessing_from_value(value, facts.shape).keeps_values:
        return []
    return [
        Fault(
            key=_KEY,
            found=f"is {shown(value)}, which makes fractions, and the model takes whole numbers of 0 to 255",
            accepted="one without scale, mean and std",
            mend=file.removing(_KEY),
        )
    ]


def _loosest_shape(value: object, source: Source) -> ImageShape:
    """Three channels, to which values for one fit as well, and a size that is said somewhere, or else any."""
    if isinstance(source, OnnxSource) and source.height_and_width:
        return (_COLORS, *source.height_and_width)
    crop = value.get("crop") if isinstance(value, dict) else None
    sides = [side for side in (crop if isinstance(crop, list) else [crop]) if type(side) is int]
    if sides and all(0 < side <= LARGEST_SIDE for side in sides):
        return (_COLORS, sides[0], sides[-1])
    return _ANY_SHAPE


def _error(value: object, shape: ImageShape) -> str | None:
    try:
        preprocessing_from_value(value, shape)
    except PreprocessingError as error:
        return str(error)
    return None


def _parts(error: str) -> tuple[str, str, str]:
    """The key below ``preprocessing``, what stands there, and what is accepted."""
    where, _, rest = error.partition(" ")
    found, _, accepted = rest.partition("; accepted: ")
    return where.partition(".")[2], found, accepted


def _as_written(declared: object, key: str) -> str | None:
    """What stands at the key, shown as every other fault shows it; None where a name stands for its values."""
    if not key:
        return f"is {shown(declared)}"
    return f"is {shown(declared[key])}" if isinstance(declared, dict) and key in declared else None


def _fallback(default: str | Mapping[str, Any], shape: ImageShape) -> str | Mapping[str, Any]:
    """The first preprocessing that fits: the one by default, or that which fits any shape."""
    return "inception" if _error(default, shape) else default


def _mend(value: object, key: str, fallback: str | Mapping[str, Any], shape: ImageShape, file: StackFile) -> str:
    """Set the one key where that is enough, and everything where it is not."""
    fitting = preprocessing_from_value(fallback, shape).document()
    if key and key not in fitting:
        return file.removing(f"{_KEY}.{key}")
    if key and isinstance(value, dict):
        best = fitting[key]
        best = best[0] if key == "resize" and len(best) == 1 else best
        if _error(value | {key: best}, shape) is None:
            return file.setting(f"{_KEY}.{key}", best)
    return file.setting(_KEY, fallback)
