"""Files of ``torch.save``, the zipped ones and the older ones: where each tensor lies, without reading its numbers.

A zipped file holds ``NAME/data.pkl``, a pickle in which storages have keys, and ``NAME/data/KEY`` with their numbers,
not compressed. An older one is five pickles one after the other (a magic number, the version, the machine, the data,
the keys) and behind them the storages, each with its length before it.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ga2app.clip.inert_pickle import Inert, InertUnpickler, Name, Source, TooLarge
from ga2app.errors import CheckpointError
from ga2app.untrusted import MAX_WHOLE, open_ordinary

MOST_LISTED_BYTES = 8 << 20
"""Of the list of a zip's entries: a hundred thousand of them."""

_MOST_DIMENSIONS = 64
_ZIP = b"PK\x03\x04"
_MAGIC = 0x1950A86A20F9469CFC6C
_DTYPES = {
    "Double": torch.float64, "Float": torch.float32, "Half": torch.float16, "BFloat16": torch.bfloat16,
    "Long": torch.int64, "Int": torch.int32, "Short": torch.int16, "Char": torch.int8, "Byte": torch.uint8,
    "Bool": torch.bool, "Untyped": torch.uint8,
}  # fmt: skip
"""By the class of a storage, ``torch.FloatStorage``."""
_STORAGES = ("torch", "torch.cuda", "torch.storage")


@dataclass
class Storage:
    """``count`` numbers in a row; ``start`` is the place of the first byte in the file, known when all is read."""

    dtype: torch.dtype
    count: int
    start: int = -1

    @property
    def nbytes(self) -> int:
        return self.count * self.dtype.itemsize


@dataclass(frozen=True, eq=False)
class StoredTensor:
    """A tensor whose numbers are still in ``file``. ``offset`` and ``stride`` count numbers of its ``dtype``."""

    file: Path
    storage: Storage
    dtype: torch.dtype
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def is_plain(self) -> bool:
        """Whether it holds floating-point numbers, each of which is in the file."""
        whole = prod(self.shape) * self.dtype.itemsize <= self.storage.nbytes
        return self.dtype.is_floating_point and whole and self._end * self.dtype.itemsize <= self.storage.nbytes

    @property
    def _end(self) -> int:
        """One more than the place of its last number in the storage."""
        if not prod(self.shape):
            return self.offset
        return self.offset + 1 + sum((size - 1) * step for size, step in zip(self.shape, self.stride, strict=True))

    def read(self) -> Tensor:
        """Its numbers, in memory of their own. Raises CheckpointError where the file is another one by now."""
        if not prod(self.shape):
            return torch.empty(self.shape, dtype=self.dtype)
        content = bytearray((self._end - self.offset) * self.dtype.itemsize)
        try:
            with open_ordinary(self.file) as file:
                file.seek(self.storage.start + self.offset * self.dtype.itemsize)
                count = file.readinto(content)
        except OSError as exc:
            raise CheckpointError(f"'{self.file}' can no longer be read ({exc}); import it again") from exc
        if count < len(content):
            raise CheckpointError(f"'{self.file}' has become shorter while it was read; import it again")
        return torch.frombuffer(content, dtype=self.dtype).as_strided(self.shape, self.stride)


@dataclass(frozen=True)
class TorchFile:
    """What was saved: plain values, ``StoredTensor`` and ``Inert``. ``foreign`` names the classes that stayed inert."""

    data: Any
    foreign: tuple[str, ...]


def read_torch_file(path: Path) -> TorchFile:
    """What is in the file at ``path``. Raises OSError, CheckpointError, and ValueError for a damaged one."""
    with open_ordinary(path) as file:
        zipped = file.read(len(_ZIP)) == _ZIP
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        reading = _Reading(path)
        data = reading.zipped(file, size) if zipped else reading.older(file, size)
    return TorchFile(data, tuple(sorted(reading.foreign)))


class _Bounded:
    """``file`` as zipfile wants it, which reads the list of all entries at once: here one that fits in memory."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file, self.seek, self.tell = file, file.seek, file.tell

    def read(self, count: int = -1) -> bytes:
        if count > MOST_LISTED_BYTES:
            raise TooLarge(f"its list of entries has {count / 1e6:,.0f} MB")
        return self._file.read(count)


class _Reading:
    """Reads one file; ``storages`` are those that its data names."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.storages: dict[str, Storage] = {}
        self.foreign: set[str] = set()

    def zipped(self, file: io.BufferedReader, size: int) -> Any:
        try:
            with zipfile.ZipFile(_Bounded(file)) as archive:
                entries = {entry.filename: entry for entry in archive.infolist()}
        except (zipfile.BadZipFile, NotImplementedError, EOFError, struct.error) as exc:
            raise ValueError(f"a damaged zip: {exc}") from exc
        pickled = next((name for name in entries if name.rpartition("/")[2] == "data.pkl"), "")
        root = pickled.removesuffix("data.pkl")
        if any(name.startswith(f"{root}code/") for name in entries):
            raise CheckpointError(
                f"'{self.path.name}' is a TorchScript archive, which is code, and is not loaded; take the same CLIP in "
                "the transformers format, such as openai/clip-vit-base-patch16"
            )
        start = _start(file, entries[pickled]) if pickled else size
        file.seek(start)
        data = self._load(Source(file))
        for key, storage in self.storages.items():
            entry = entries.get(f"{root}data/{key}")
            if entry is None:
                raise ValueError(f"storage {key} is missing")
            storage.start = _start(file, entry)
            if entry.file_size < storage.nbytes:
                raise ValueError(f"storage {key} is cut")
        order = entries.get(f"{root}byteorder")
        if order is not None:
            file.seek(_start(file, order))
            if file.read(3) == b"big":
                raise CheckpointError(
                    f"'{self.path.name}' was written on a machine with the bytes of its numbers the other way round; "
                    "load it there and save it with safetensors"
                )
        self._check_whole(size)
        return data

    def older(self, file: io.BufferedReader, size: int) -> Any:
        source = Source(file)
        if self._load(source) != _MAGIC:
            raise ValueError("no file of torch.save")
        self._load(source), self._load(source)
        self.foreign.clear()
        data, keys = self._load(source), self._load(source)
        known = isinstance(keys, list) and all(isinstance(key, str) for key in keys)
        if not known or set(keys) != self.storages.keys():
            raise ValueError("its list of storages is another one than its data has")
        place = file.tell()
        for key in keys:
            file.seek(place)
            (count,) = struct.unpack("<q", file.read(8).ljust(8, b"\xff"))
            storage = self.storages[key]
            if count != storage.count:
                raise ValueError(f"storage {key} has another length than its data says, or is cut")
            storage.start = place + 8
            place = storage.start + storage.nbytes
        self._check_whole(size)
        return data

    def _check_whole(self, size: int) -> None:
        end = max((storage.start + storage.nbytes for storage in self.storages.values()), default=0)
        if end > size:
            raise ValueError(f"it ends {end - size:,} bytes too soon")

    def _load(self, source: Source) -> Any:
        unpickler = InertUnpickler(self._build, self._stored)
        data = unpickler.load(source)
        self.foreign |= unpickler.foreign
        return data

    def _stored(self, number: Any) -> Any:
        """The storage that ``("storage", class, key, device, length)`` stands for."""
        match number:
            case ("storage", Name(kind), str(key), _, int(count), *view) if not any(view) and count >= 0:
                module, _, storage = kind.rpartition(".")
                dtype = _DTYPES.get(storage.removesuffix("Storage"))
                if dtype is not None and module in _STORAGES:
                    return self.storages.setdefault(key, Storage(dtype, count))
        return Inert("a storage of another kind")

    def _build(self, name: str, given: Sequence[Any]) -> Any:
        """Our value for a call of ``name``; None where there is none."""
        match name, given:
            case "collections.OrderedDict", _:
                return {}
            case "torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state", (tensor, *_):
                return tensor if isinstance(tensor, StoredTensor) else None
            case "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2", (Storage() as kept, *how):
                return self._tensor(kept, kept.dtype, *how[:3])
            case "torch._utils._rebuild_tensor_v3", (Storage() as kept, offset, shape, stride, _, _, Name(kind), *_):
                dtype: object = getattr(torch, kind.rpartition(".")[2], None)
                return self._tensor(kept, dtype, offset, shape, stride)
        return None

    def _tensor(self, storage: Storage, dtype: object, *how: Any) -> StoredTensor | None:
        match how:
            case (int(offset), tuple(shape), tuple(stride)) if isinstance(dtype, torch.dtype):
                numbers = (offset, *shape, *stride)
                sound = all(type(one) is int and 0 <= one <= MAX_WHOLE for one in numbers)
                if sound and len(shape) == len(stride) <= _MOST_DIMENSIONS:
                    return StoredTensor(self.path, storage, dtype, offset, shape, stride)
        return None


def _start(file: io.BufferedReader, entry: zipfile.ZipInfo) -> int:
    """Where the bytes of ``entry`` begin in ``file``. Raises ValueError."""
    if entry.compress_type != zipfile.ZIP_STORED:
        raise ValueError("its entries are compressed, which torch.save never does")
    file.seek(entry.header_offset)
    header = file.read(30)
    if len(header) < 30 or header[:4] != _ZIP:
        raise ValueError("a damaged zip")
    name, extra = struct.unpack("<HH", header[26:])
    return entry.header_offset + 30 + int(name) + int(extra)
