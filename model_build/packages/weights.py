"""Reads what PyTorch's ``torch.save`` wrote before its release 1.6, without PyTorch: tensors, and nothing else."""

import math
from collections import OrderedDict
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model_build.errors import SourceError
from model_build.packages.pickles import MalformedError, shown, value_from_pickle

Array = NDArray[np.generic]

_MAGIC: Final = 0x1950A86A20F9469CFC6C
_PROTOCOL: Final = 1001
_ZIP: Final = b"PK\x03\x04"
_COUNT_BYTES: Final = 8
_MOST_AXES: Final = 8


def tensors_from_pth(data: bytes, *, name: str) -> dict[str, Array]:
    """Read a state dict in PyTorch's legacy format.

    The file is five pickles, a magic number, the format's version, the machine that wrote it, the tensors and the
    storages' keys, and then each storage as its number of elements and these. No name in a pickle is imported.

    Args:
        data: the whole file.
        name: what errors call it.

    Returns:
        Views into ``data``, which can't be written, by the tensor's name, in the file's order.

    Raises:
        SourceError: anything in the file is not as above, or a tensor reaches out of its storage.
    """
    try:
        if data.startswith(_ZIP):
            raise MalformedError("it is a zip archive, which PyTorch writes since 1.6")  # noqa: TRY301  one exit
        return _File(data).tensors()
    except MalformedError as error:
        raise SourceError(f"{name}: {error}; accepted: PyTorch's legacy format, with tensors alone") from error


@dataclass(frozen=True)
class _Element:
    """The type of a storage's elements: numpy's, little-endian."""

    dtype: str


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: np.dtype[Any]
    count: int


@dataclass(frozen=True)
class _Tensor:
    """A part of a storage; offset and strides count elements."""

    storage: _Storage
    offset: int
    size: tuple[int, ...]
    strides: tuple[int, ...]


def _ordered_dict(arguments: tuple[Any, ...]) -> OrderedDict[str, Any]:
    """Stand for ``collections.OrderedDict``: torch makes an empty one and fills it."""
    if arguments:
        raise MalformedError("collections.OrderedDict is called with arguments")
    return OrderedDict()


def _tensor(arguments: tuple[Any, ...]) -> _Tensor:
    """Stand for ``torch._utils._rebuild_tensor_v2``: every number is checked before anything uses it."""
    match arguments:
        case (_Storage() as storage, int(offset), tuple(size), tuple(strides), bool(), OrderedDict() as hooks):
            pass
        case _:
            raise MalformedError("torch._utils._rebuild_tensor_v2 is called with something else than a tensor's parts")
    if hooks or len(size) != len(strides) or len(size) > _MOST_AXES:
        raise MalformedError(f"a tensor has hooks, more than {_MOST_AXES} axes, or strides for others than its axes")
    if not all(type(number) is int for number in (offset, *size, *strides)):
        raise MalformedError("a tensor has an offset, a size or a stride that is no integer")
    inside = offset >= 0 and all(0 <= stride <= storage.count for stride in strides) and all(side > 0 for side in size)
    last = offset + sum((side - 1) * stride for side, stride in zip(size, strides, strict=True))
    if not inside or last >= storage.count or math.prod(size) > storage.count:
        raise MalformedError(f"a tensor reaches out of its storage {shown(storage.key)}")
    return _Tensor(storage, offset, size, strides)


_NAMES: Final = {
    "collections.OrderedDict": _ordered_dict,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch.DoubleStorage": _Element("<f8"),
    "torch.FloatStorage": _Element("<f4"),
    "torch.HalfStorage": _Element("<f2"),
    "torch.LongStorage": _Element("<i8"),
    "torch.IntStorage": _Element("<i4"),
    "torch.ShortStorage": _Element("<i2"),
    "torch.CharStorage": _Element("i1"),
    "torch.ByteStorage": _Element("u1"),
    "torch.BoolStorage": _Element("?"),
}


class _File:
    """The file, read from front to back, and the storages that its tensors lie in."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._file = BytesIO(data)
        self._storages: dict[str, _Storage] = {}

    def tensors(self) -> dict[str, Array]:
        if self._value() != _MAGIC:
            raise MalformedError("it does not begin with PyTorch's magic number")
        if self._value() != _PROTOCOL:
            raise MalformedError(f"it has another version of the format than {_PROTOCOL}")
        machine = self._value()
        if not isinstance(machine, dict) or machine.get("little_endian") is not True:
            raise MalformedError("it was not written on a little-endian machine")
        state = self._value()
        if not isinstance(state, OrderedDict):
            raise MalformedError("its tensors are not in a collections.OrderedDict")
        places = self._places(self._value())
        return {name: self._array(name, tensor, places) for name, tensor in state.items()}

    def _value(self) -> object:
        return value_from_pickle(self._file, names=_NAMES, stored=self._storage)

    def _storage(self, identity: object) -> _Storage:
        """Stand for a persistent id: a storage that comes later in the file."""
        match identity:
            case ("storage", _Element(dtype), str(key), str(), int(count), None) if type(count) is int and count >= 0:
                storage = _Storage(key, np.dtype(dtype), count)
            case _:
                raise MalformedError("a pickle has a persistent id that is no storage's")
        if self._storages.setdefault(key, storage) != storage:
            raise MalformedError(f"the storage {shown(key)} is declared twice, in two ways")
        return storage

    def _places(self, keys: object) -> dict[str, int]:
        """Return where each storage's elements begin in the file, in bytes, by its key."""
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise MalformedError("its storages' keys are no list of texts")
        if len(set(keys)) != len(keys) or set(keys) != set(self._storages):
            raise MalformedError("its storages' keys are not those of its tensors")
        places = {}
        for key in keys:
            storage = self._storages[key]
            begin = self._file.tell() + _COUNT_BYTES
            count = int.from_bytes(self._file.read(_COUNT_BYTES), "little", signed=True)
            end = begin + storage.count * storage.dtype.itemsize
            if end > len(self._data):
                raise MalformedError(f"it ends within the storage {shown(key)}")
            if count != storage.count:
                raise MalformedError(f"the storage {shown(key)} has {count} elements, declared are {storage.count}")
            places[key] = begin
            self._file.seek(end)
        if self._file.tell() != len(self._data):
            raise MalformedError("it goes on behind its last storage")
        return places

    def _array(self, name: str, tensor: object, places: dict[str, int]) -> Array:
        if not isinstance(tensor, _Tensor):
            raise MalformedError(f"{shown(name)} is no tensor")
        dtype, begin = tensor.storage.dtype, places[tensor.storage.key]
        return np.ndarray(
            tensor.size,
            dtype,
            self._data,
            begin + tensor.offset * dtype.itemsize,
            [stride * dtype.itemsize for stride in tensor.strides],
        )
