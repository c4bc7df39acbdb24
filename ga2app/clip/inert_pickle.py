"""Pickles read as data: plain values and what the caller knows how to build; everything else stays a name.

A pickle is a program that may call whatever it names. Here its instructions are looked at one by one, and no name in
it is ever looked up, imported or called. All that grows is bounded: bytes, steps, whole numbers.
"""

from __future__ import annotations

import io
import pickletools  # takes instructions apart, and runs none of them
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

MOST_BYTES = 16 << 20
"""Of a pickle without the numbers of its tensors: a CLIP's with its optimizer has half a megabyte."""

MOST_STEPS = 250_000
"""Instructions of a pickle: a tensor with its name takes about thirty, a CLIP with its optimizer sixty thousand."""

_MOST_BITS = 128
"""Of a whole number: those in the older files have 80."""

_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_NOTHING = frozenset(("PROTO", "FRAME", "READONLY_BUFFER"))
_TEXTS = (str, int, float, bytes, type(None))


class TooLarge(ValueError):
    """A pickle with more bytes or instructions than any checkpoint has."""


@dataclass(frozen=True)
class Inert:
    """Stands for what a pickle would have made with ``name``, such as "yacs.config.CfgNode"."""

    name: str


@dataclass(frozen=True)
class Name:
    """A class or a function that a pickle names, "module.name"; it is never looked up."""

    name: str


class Source:
    """``file`` from where it stands, with a limit to what is read of it at once and in all."""

    def __init__(self, file: io.BufferedIOBase | io.BytesIO, most_bytes: int = MOST_BYTES) -> None:
        self._file, self._left = file, most_bytes

    def read(self, count: int) -> bytes:
        self._spend(count)
        return self._file.read(count)

    def readline(self) -> bytes:
        line = self._file.readline(self._left + 1)
        self._spend(len(line))
        return line

    def _spend(self, count: int) -> None:
        if count > self._left:
            raise TooLarge(f"it holds more than {MOST_BYTES >> 20} MB beside the numbers of its tensors")
        self._left -= count


class InertUnpickler:
    """Reads one pickle.

    ``build`` is given the name of what the pickle would call and its arguments, and answers with a value of ours or
    with None, for which an ``Inert`` is taken; ``persistent`` gives what a persistent id stands for. ``foreign`` are
    the names for which an ``Inert`` was taken.
    """

    def __init__(
        self, build: Callable[[str, Sequence[Any]], Any], persistent: Callable[[Any], Any] = lambda number: Inert("id")
    ) -> None:
        self.foreign: set[str] = set()
        self._build, self._persistent = build, persistent
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def load(self, source: Source) -> Any:
        """The value of the pickle in ``source``. Raises ValueError for one that is damaged or too large."""
        try:
            return self._run(source)
        except (LookupError, TypeError, AttributeError, OverflowError, MemoryError) as exc:
            raise ValueError(f"a damaged pickle: {exc}") from exc

    def _run(self, source: Source) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of texts with odd escapes
            for step, (code, argument, _) in enumerate(pickletools.genops(source)):  # type: ignore[arg-type]
                if step > MOST_STEPS:
                    raise TooLarge(f"it holds more than {MOST_STEPS:,} entries and instructions")
                if code.name == "STOP":
                    return self._stack.pop()
                self._step(code.name, argument)
        raise ValueError("a pickle without an end")

    def _step(self, code: str, argument: Any) -> None:
        stack = self._stack
        if code in _CONSTANTS:
            stack.append(_CONSTANTS[code])
        elif code in _TUPLES:
            count = _TUPLES[code]
            stack[-count:] = [tuple(stack[-count:])]
        elif code == "MARK":
            self._marks.append(len(stack))
        elif "PUT" in code or code == "MEMOIZE":
            self._memo[len(self._memo) if code == "MEMOIZE" else int(argument)] = stack[-1]
        elif "GET" in code:
            stack.append(self._memo[int(argument)])
        elif code in ("GLOBAL", "STACK_GLOBAL"):
            name = argument.replace(" ", ".", 1) if code == "GLOBAL" else ".".join(map(str, self._popped(2)))
            stack.append(Name(name))
        elif code not in _NOTHING and not self._collects(code) and not self._calls(code, argument):
            if not isinstance(argument, _TEXTS) or code.startswith("EXT"):
                raise ValueError(f"{code} is not known here")
            small = not isinstance(argument, int) or argument.bit_length() <= _MOST_BITS
            stack.append(argument if small else Inert("a number beyond all bounds"))

    def _collects(self, code: str) -> bool:
        """Whether ``code`` is about a list, a dict or the stack; if so, it is done."""
        stack = self._stack
        match code:
            case "EMPTY_LIST" | "EMPTY_DICT":
                stack.append([] if code == "EMPTY_LIST" else {})
            case "TUPLE" | "LIST":
                items = self._marked()
                stack.append(items if code == "LIST" else tuple(items))
            case "DICT":
                items = self._marked()
                stack.append({})
                _put(stack[-1], items)
            case "APPEND" | "APPENDS" | "ADDITEMS":
                items = self._popped(1) if code == "APPEND" else self._marked()
                if isinstance(stack[-1], list):
                    stack[-1].extend(items)
            case "SETITEM" | "SETITEMS":
                items = self._popped(2) if code == "SETITEM" else self._marked()
                _put(stack[-1], items)
            case "POP_MARK":
                self._marked()
            case "POP":
                self._marked() if self._marks and self._marks[-1] == len(stack) else stack.pop()
            case "DUP":
                stack.append(stack[-1])
            case _:
                return False
        return True

    def _calls(self, code: str, argument: Any) -> bool:
        """Whether ``code`` makes an object; if so, ours or an inert one is in its place."""
        stack = self._stack
        match code:
            case "REDUCE" | "NEWOBJ" | "NEWOBJ_EX":
                called, given, *_ = self._popped(3 if code == "NEWOBJ_EX" else 2)
                stack.append(self._made(called, given))
            case "INST" | "OBJ":
                items = self._marked()
                stack.append(self._made(Name(argument.replace(" ", ".", 1)) if code == "INST" else items[0], ()))
            case "BUILD":  # What an object is told of itself: ours need none of it, and the others are inert.
                stack.pop()
            case "EMPTY_SET" | "FROZENSET":
                if code == "FROZENSET":
                    self._marked()
                stack.append(Inert("set"))
            case "PERSID" | "BINPERSID":
                stack.append(self._persistent(argument if code == "PERSID" else stack.pop()))
            case "NEXT_BUFFER":
                stack.append(Inert("buffer"))
            case "BYTEARRAY8":
                stack.append(bytes(argument))
            case _:
                return False
        return True

    def _made(self, called: Any, given: Any) -> Any:
        name = called.name if isinstance(called, Name | Inert) else type(called).__name__
        made = self._build(name, given) if isinstance(called, Name) and isinstance(given, tuple) else None
        if made is None:
            self.foreign.add(name)
            return Inert(name)
        return made

    def _popped(self, count: int) -> list[Any]:
        items = self._stack[-count:]
        del self._stack[-count:]
        if len(items) < count:
            raise IndexError("nothing is left on the stack")
        return items

    def _marked(self) -> list[Any]:
        """What lies above the last mark."""
        place = self._marks.pop()
        items = self._stack[place:]
        del self._stack[place:]
        return items


def _put(target: Any, items: Sequence[Any]) -> None:
    """Put keys and values in turn into ``target``, if it is a dict of ours.

    A key that is no text and no number is left out: to hash tuples within tuples may take forever.
    """
    if type(target) is dict:
        pairs = zip(items[::2], items[1::2], strict=True)
        target.update((key, value) for key, value in pairs if isinstance(key, _TEXTS))
