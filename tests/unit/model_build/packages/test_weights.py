import os
import pickle
import random
import struct
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from model_build.errors import SourceError
from model_build.packages.weights import tensors_from_pth

MAGIC = 0x1950A86A20F9469CFC6C
COUNT = 6
STOP = b"."


class Named:
    """What the pickler writes as a global of this name, called with these arguments where there are some."""

    def __init__(self, name: str, *arguments: object) -> None:
        self.name, self.arguments = name, arguments


def pickled(value: object) -> bytes:
    """Pickle by protocol 2 with names that need not exist here, and persistent ids that are what torch writes."""
    if isinstance(value, Named):
        module, _, name = value.name.rpartition(".")
        body = f"c{module}\n{name}\n".encode()
        return body + (pickled(value.arguments) + b"R" if value.arguments else b"")
    if isinstance(value, Identity):
        return pickled(value.parts) + b"Q"
    if isinstance(value, OrderedDict):
        items = b"".join(pickled(key) + pickled(item) for key, item in value.items())
        return b"ccollections\nOrderedDict\n)R" + b"(" + items + b"u"
    if isinstance(value, tuple):
        return b"(" + b"".join(map(pickled, value)) + b"t"
    return pickle.dumps(value, protocol=2)[2:-1]


class Identity:
    def __init__(self, *parts: object) -> None:
        self.parts = parts


def storage(key: object = "1", count: object = COUNT, kind: str = "torch.FloatStorage") -> Identity:
    return Identity("storage", Named(kind), key, "cpu", count, None)


def tensor(
    offset: object = 0, size: object = (2, 3), stride: object = (3, 1), where: object = None, hooks: object = None
) -> Named:
    parts = (where or storage(), offset, size, stride, False, OrderedDict() if hooks is None else hooks)
    return Named("torch._utils._rebuild_tensor_v2", *parts)


def whole(*pickles: bytes, raw: bytes | None = None) -> bytes:
    values = np.arange(COUNT, dtype="<f4").tobytes()
    return b"".join(b"\x80\x02" + each + STOP for each in pickles) + (
        struct.pack("<q", COUNT) + values if raw is None else raw
    )


SYSTEM = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2}}


def parts(state: object = None) -> list[bytes]:
    content = OrderedDict(weight=tensor()) if state is None else state
    return [pickled(MAGIC), pickled(1001), pickled(SYSTEM), pickled(content), pickled(["1"])]


def pth(state: object = None, raw: bytes | None = None) -> bytes:
    return whole(*parts(state), raw=raw)


def refusal(data: bytes) -> str:
    with pytest.raises(SourceError) as error:
        tensors_from_pth(data, name="a.pth")
    message = str(error.value)
    assert message.startswith("a.pth: ")
    assert message.isascii()
    assert "\n" not in message
    return message


def test_a_tensor_is_read() -> None:
    (found,) = tensors_from_pth(pth(), name="a.pth").values()
    np.testing.assert_array_equal(found, np.arange(COUNT, dtype=np.float32).reshape(2, 3))
    assert (found.dtype, found.flags.writeable) == (np.float32, False)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (tensor(1, (2, 2), (3, 1)), [[1, 2], [4, 5]]),
        (tensor(0, (3, 2), (1, 3)), [[0, 3], [1, 4], [2, 5]]),
        (tensor(5, (), ()), 5),
    ],
)
def test_a_tensor_is_any_part_of_its_storage(part: Named, expected: list[list[int]]) -> None:
    found = tensors_from_pth(pth(OrderedDict(part=part)), name="a.pth")["part"]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("where", range(5))
@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "torch.load", "torch.BFloat16Storage"])
def test_what_is_no_part_of_a_tensor_is_refused_by_name_and_not_run(
    where: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: list[object] = []
    monkeypatch.setattr(os, "system", run.append)
    pickles = parts()
    pickles[where] = pickled(Named(name, "true"))
    assert f"names '{name}'" in refusal(whole(*pickles))
    assert run == []


@pytest.mark.parametrize("protocol", range(6))
def test_code_is_refused_by_name_under_each_protocol(protocol: int) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
            return os.system, ("true",)

    message = refusal(pickle.dumps(Hostile(), protocol=protocol))
    assert "'posix.system'" in message or "'nt.system'" in message


STATES: dict[str, object] = {
    "OrderedDict is called with": Named("collections.OrderedDict", [("a", 1)]),
    "is called with something else": Named("torch._utils._rebuild_tensor_v2", "a", 1),
    "calls what cannot be called": Named("torch.FloatStorage", 1),
    "'weight' is no tensor": OrderedDict(a=tensor(), weight=1),
    "not in a collections.OrderedDict": {"weight": 1},
    "a key that is no text": {1: 2},
    "no storage's": OrderedDict(weight=tensor(where=Identity("module", Named("torch.FloatStorage"), "1"))),
    "in two ways": OrderedDict(a=tensor(), b=tensor(where=storage(count=7))),
    "not those of its tensors": OrderedDict(a=tensor(where=storage("2"))),
    "has hooks": OrderedDict(a=tensor(hooks=OrderedDict(a=1))),
    "strides for others": OrderedDict(a=tensor(stride=(1,))),
    "more than 8 axes": OrderedDict(a=tensor(size=(1,) * 9, stride=(1,) * 9)),
    "is no integer": OrderedDict(a=tensor(size=(2, True))),
}


@pytest.mark.parametrize("reason", STATES)
def test_a_state_of_something_else_than_tensors_is_refused(reason: str) -> None:
    assert reason in refusal(pth(STATES[reason]))


@pytest.mark.parametrize(
    "part",
    [
        tensor(offset=1),
        tensor(offset=-1, size=(1,), stride=(1,)),
        tensor(offset=6, size=(), stride=()),
        tensor(offset=2**62),
        tensor(stride=(4, 1)),
        tensor(stride=(3, -1)),
        tensor(size=(2, -3)),
        tensor(size=(0, 3)),
        tensor(size=(2**62, 1)),
        tensor(size=(2**62, 2**62), stride=(0, 0)),
        tensor(size=(1, 1), stride=(2**62, 2**62)),
    ],
)
def test_a_tensor_that_reaches_out_of_its_storage_is_refused(part: Named) -> None:
    assert "reaches out of its storage '1'" in refusal(pth(OrderedDict(a=part)))


@pytest.mark.parametrize("count", [-1, True, "6", 2**62, 7])
def test_a_storage_of_another_size_is_refused(count: object) -> None:
    message = refusal(pth(OrderedDict(a=tensor(size=(1,), stride=(1,), where=storage(count=count)))))
    assert "no storage's" in message or "ends within" in message


@pytest.mark.parametrize("count", [5, -1, 2**62])
def test_a_storage_that_says_another_count_than_is_declared_is_refused(count: int) -> None:
    raw = struct.pack("<q", count) + bytes(4 * COUNT)
    assert f"has {count} elements, declared are 6" in refusal(pth(raw=raw))


@pytest.mark.parametrize(
    ("where", "value", "reason"),
    [
        (0, 1, "magic number"),
        (1, 1002, "another version"),
        (2, {**SYSTEM, "little_endian": False}, "little-endian"),
        (2, [], "little-endian"),
        (4, "1", "no list of texts"),
        (4, [1], "no list of texts"),
        (4, ["1", "1"], "not those"),
        (4, [], "not those"),
    ],
)
def test_what_stands_around_the_tensors_is_checked(where: int, value: object, reason: str) -> None:
    pickles = parts()
    pickles[where] = pickled(value)
    assert reason in refusal(whole(*pickles))


def test_what_comes_behind_the_last_storage_is_refused() -> None:
    assert "goes on behind" in refusal(pth() + b"\0")


def test_a_zip_archive_is_called_one() -> None:
    assert "zip archive" in refusal(b"PK\x03\x04" + bytes(100))


INSTRUCTIONS: Sequence[tuple[str, bytes]] = [
    ("attributes", b"c" + b"torch\nFloatStorage\n}b."),
    ("attributes", b"ctorch._utils\n_rebuild_tensor_v2\n}b."),
    ("NEWOBJ", b"ccollections\nOrderedDict\n)\x81."),
    ("INST", b"(iposix\nsystem\n."),
    ("OBJ", b"(ccollections\nOrderedDict\no."),
    ("EXT1", b"\x82\x01."),
    ("PERSID", b"P1\n."),
    ("BINBYTES8", b"\x8e" + b"\xff" * 7 + b"\x00."),
    ("key that is no text", b"})" + b"\x85" * 300_000 + b"Ns."),
    ("not begin", b"N" + b"r\xff\xff\xff\xff" + b"."),
    ("that is not there", b"h\x07."),
    ("that is not there", b"t."),
    ("that is not there", b"R."),
    ("no list", b"}Na."),
    ("no dictionary", b"]NNs."),
    ("names 'a\\nb.c'", b"ca\\nb\nc\n."),
    ("names 'a\\\\q.c'", b"ca\\q\nc\n."),
]


@pytest.mark.parametrize(("reason", "data"), INSTRUCTIONS)
def test_a_pickle_that_does_more_than_tensors_need_is_refused(reason: str, data: bytes) -> None:
    message = refusal(b"\x80\x02" + data)
    assert reason in message or "damaged" in message


def test_a_file_that_ends_early_is_refused_wherever_it_ends() -> None:
    data = pth()
    for length in range(len(data)):
        refusal(data[:length])


def test_flipped_bytes_give_tensors_or_one_line() -> None:
    data = pth()
    draw = random.Random(20)  # noqa: S311  not for secrets
    outcomes: dict[Any, int] = {}
    lines: set[int] = set()
    for _ in range(5000):
        flipped = bytearray(data)
        for _ in range(draw.randint(1, 3)):
            flipped[draw.randrange(len(data))] = draw.randrange(256)
        try:
            found = tensors_from_pth(bytes(flipped), name="a.pth")
        except SourceError as error:
            outcomes["refused"] = outcomes.get("refused", 0) + 1
            lines.add(str(error).count("\n"))
        else:
            assert all(array.sum() is not None for array in found.values())
            outcomes["read"] = outcomes.get("read", 0) + 1
    assert set(outcomes) == {"refused", "read"}
    assert lines == {0}
