"""Reads a pickle as data: the instructions that tensors are pickled with, and no others.

Python's own unpickler is not asked, restricted or not. Before a hook of its can refuse anything, a few bytes make
it take all memory (an index into its memo) or end the process (the hash of a tuple in a tuple, 300,000 deep).
Here nothing is imported, no method of a value is looked up, only texts are hashed, and nothing is called but what
the caller hands in.
"""

import pickletools
import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any, Final

_SHOWN: Final = 80
"""Characters of a file's text that an error repeats."""


class MalformedError(Exception):
    """The bytes are not what they must be; in one line."""


def shown(text: str) -> str:
    """Quote a text out of a file, so that it stays in one line."""
    return ascii(text[:_SHOWN])


def value_from_pickle(file: BytesIO, *, names: Mapping[str, object], stored: Callable[[object], object]) -> object:
    """Read one pickle, of protocol 2 to 4, up to its end.

    Args:
        file: read from where it stands to behind the pickle.
        names: what stands for the things that a pickle may name, by ``module.name``; of these a pickle calls
            what can be called, with any arguments.
        stored: gives what a persistent id stands for.

    Raises:
        MalformedError: the bytes are no pickle, end early, name something else or use another instruction.
    """
    machine = _Machine(names, stored)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name with a backslash Python says more than our one line
        try:
            for instruction, argument, _ in pickletools.genops(file):
                if instruction.name == "STOP":
                    return machine.pop()
                run = _INSTRUCTIONS.get(instruction.name)
                if run is None:
                    raise MalformedError(f"a pickle has the instruction {instruction.name}, which no tensor needs")
                run(machine, argument)
        except ValueError as error:
            raise MalformedError(f"a pickle is damaged: {ascii(str(error))[1:-1]}") from error
    raise MalformedError("a pickle does not end")


class _Machine:
    """A stack of values, those that stand below the open marks, and what was remembered."""

    def __init__(self, names: Mapping[str, object], stored: Callable[[object], object]) -> None:
        self._names = names
        self._stored = stored
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def push(self, value: object) -> None:
        self._stack.append(value)

    def pop(self) -> Any:
        return self.popped(1)[0]

    def popped(self, count: int) -> list[Any]:
        """Take the topmost values, the deepest first."""
        if len(self._stack) < count:
            raise MalformedError("a pickle takes a value that is not there")
        values = self._stack[-count:]
        del self._stack[-count:]
        return values

    def mark(self) -> None:
        self._below.append(self._stack)
        self._stack = []

    def popped_to_mark(self) -> list[Any]:
        if not self._below:
            raise MalformedError("a pickle goes back to a mark that is not there")
        values, self._stack = self._stack, self._below.pop()
        return values

    def remember(self, index: int | None) -> None:
        value = self.pop()
        self.push(value)
        self._memo[len(self._memo) if index is None else index] = value

    def recall(self, index: int) -> None:
        if index not in self._memo:
            raise MalformedError("a pickle recalls a value that is not there")
        self.push(self._memo[index])

    def named(self, name: str) -> None:
        if name not in self._names:
            raise MalformedError(f"a pickle names {shown(name)}, which is no part of a tensor")
        self.push(self._names[name])

    def named_by_stack(self) -> None:
        module, name = self.popped(2)
        if not (isinstance(module, str) and isinstance(name, str)):
            raise MalformedError("a pickle names something by what is no text")
        self.named(f"{module}.{name}")

    def call(self) -> None:
        function, arguments = self.popped(2)
        if not callable(function) or not isinstance(arguments, tuple):
            raise MalformedError("a pickle calls what cannot be called")
        self.push(function(arguments))

    def set_attributes(self) -> None:
        """Drop what a state dict has beside its tensors: the versions of the layers' classes."""
        target, _ = self.popped(2)
        if not isinstance(target, OrderedDict):
            raise MalformedError("a pickle sets the attributes of something that has none")
        self.push(target)

    def stored(self) -> None:
        self.push(self._stored(self.pop()))

    def set_items(self, items: Sequence[Any]) -> None:
        target = self.pop()
        if not isinstance(target, dict) or len(items) % 2:
            raise MalformedError("a pickle puts items into what is no dictionary")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str):  # before anything is hashed
                raise MalformedError("a pickle has a dictionary with a key that is no text")
            target[key] = value
        self.push(target)

    def append(self, items: Sequence[Any]) -> None:
        target = self.pop()
        if not isinstance(target, list):
            raise MalformedError("a pickle appends to what is no list")
        target.extend(items)
        self.push(target)


_INSTRUCTIONS: Final[Mapping[str, Callable[[_Machine, Any], None]]] = {
    "PROTO": lambda _, __: None,
    "FRAME": lambda _, __: None,
    "MARK": lambda machine, _: machine.mark(),
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),  # noqa: FBT003  a value
    "NEWFALSE": lambda machine, _: machine.push(False),  # noqa: FBT003  a value
    **dict.fromkeys(
        ("BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "SHORT_BINUNICODE"),
        lambda machine, value: machine.push(value),
    ),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "TUPLE1": lambda machine, _: machine.push(tuple(machine.popped(1))),
    "TUPLE2": lambda machine, _: machine.push(tuple(machine.popped(2))),
    "TUPLE3": lambda machine, _: machine.push(tuple(machine.popped(3))),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.popped_to_mark())),
    "SETITEM": lambda machine, _: machine.set_items(machine.popped(2)),
    "SETITEMS": lambda machine, _: machine.set_items(machine.popped_to_mark()),
    "APPEND": lambda machine, _: machine.append(machine.popped(1)),
    "APPENDS": lambda machine, _: machine.append(machine.popped_to_mark()),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), lambda machine, index: machine.remember(index)),
    "MEMOIZE": lambda machine, _: machine.remember(None),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), lambda machine, index: machine.recall(index)),
    "GLOBAL": lambda machine, name: machine.named(name.replace(" ", ".", 1)),
    "STACK_GLOBAL": lambda machine, _: machine.named_by_stack(),
    "REDUCE": lambda machine, _: machine.call(),
    "BUILD": lambda machine, _: machine.set_attributes(),
    "BINPERSID": lambda machine, _: machine.stored(),
}
