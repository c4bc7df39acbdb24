"""A checkpoint is read as data: no name in it is looked up, and what would take all memory is one plain line."""

from __future__ import annotations

import io
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ga2app.bundles import load_bundle
from ga2app.bundles.checkpoints import import_checkpoint, read_checkpoint
from ga2app.clip import Backbone
from ga2app.clip.inert_pickle import MOST_STEPS, Inert, InertUnpickler, Source
from ga2app.clip.torch_files import read_torch_file
from ga2app.errors import CheckpointError
from tests.published import openai_layout as theirs

CALLED: list[str] = []
WEIGHTS = {"visual.a": torch.arange(6.0).reshape(2, 3)}


def call(*given: object) -> str:
    CALLED.append(f"called with {given}")
    return "made"


class Reduced:
    """Calls a function when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., str], tuple[str]]:
        return call, ("reduce",)


class Built:
    """Its class, its state and its items each run code when it is unpickled."""

    def __new__(cls, *given: object) -> Built:
        if given:
            CALLED.append("new")
        return super().__new__(cls)

    def __setstate__(self, state: object) -> None:
        CALLED.append("setstate")

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return Built, ("x",), {"a": 1}, iter([1, 2]), iter([("k", "v")])

    def append(self, item: object) -> None:
        CALLED.append("append")

    def __setitem__(self, key: object, item: object) -> None:
        CALLED.append("setitem")


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("protocol", [2, 4])
def test_what_a_pickle_would_call_is_never_called(zipped: bool, protocol: int, tmp_path: Path):
    entries = {"config": Reduced(), "sched": [Built(), {"deep": Built()}], "run": print}
    how = {"_use_new_zipfile_serialization": zipped, "pickle_protocol": protocol}
    torch.save({"model_state_dict": WEIGHTS, **entries}, tmp_path / "trap.pt", **how)
    CALLED.clear()
    found = read_checkpoint(tmp_path / "trap.pt")
    assert CALLED == [] and found.ignored == ("config", "run", "sched")
    assert torch.equal(found.tensors["visual.a"].read(), WEIGHTS["visual.a"])
    assert set(found.foreign) == {f"{__name__}.call", f"{__name__}.Built"}
    torch.load(tmp_path / "trap.pt", weights_only=False)
    assert {"new", "setstate", "append", "setitem"} < set(CALLED)  # So the traps were armed.


def test_no_module_that_a_pickle_names_is_imported(tmp_path: Path):
    torch.save({"model_state_dict": WEIGHTS}, tmp_path / "a.pt", _use_new_zipfile_serialization=False)
    content = (tmp_path / "a.pt").read_bytes().replace(b"ctorch\nFloatStorage\n", b"cthis\nFloatStorage\n")
    (tmp_path / "a.pt").write_bytes(content)
    with pytest.raises(CheckpointError):
        read_checkpoint(tmp_path / "a.pt").tensors["visual.a"].read()
    assert "this" not in sys.modules


def test_a_checkpoint_with_a_trap_in_it_is_imported_without_it(world: theirs.World, backbone: Backbone, tmp_path: Path):
    CALLED.clear()
    state = {**theirs.random_prompts(1, coupled=False), **theirs.published_weights(world.weights)}
    torch.save({"model_state_dict": state, "config": Reduced()}, tmp_path / "x.pt")
    answer = import_checkpoint(tmp_path / "x.pt", backbone, out=tmp_path / "out")
    assert CALLED == [] and load_bundle(tmp_path / "out").manifest.name == "x"
    (note,) = (note for note in answer.notes if "objects of" in note)
    assert note.endswith("test_inert_pickles.call; nothing was made of them, and nothing in it was called")


def test_an_object_in_place_of_a_tensor_is_told_by_its_class(tmp_path: Path):
    torch.save({"model_state_dict": {**WEIGHTS, "visual.b": Reduced()}}, tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match=r"no tensors are under visual.b \(.*test_inert_pickles.call\)"):
        read_checkpoint(tmp_path / "x.pt")
    sparse = torch.zeros(3).to_sparse()
    torch.save({"model_state_dict": {**WEIGHTS, "visual.b": sparse}}, tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match=r"visual.b \(torch._utils._rebuild_sparse_tensor\)"):
        read_checkpoint(tmp_path / "x.pt")
    torch.save(torch.nn.Linear(2, 2), tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match=r"an object of torch.nn.modules.linear.Linear, .*save its state_dict"):
        read_checkpoint(tmp_path / "x.pt")


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_are_what_pickle_says_they_are(protocol: int):
    data = {
        "text": "é\n\\'\u2028", "bytes": b"\0\xff" if protocol > 2 else "", "int": -(2**70), "small": 7, "float": -1.5,
        "list": [1, [2, (3, 4, 5, 6)], ()], "none": None, "bools": (True, False), 5: {1.5: "x"}, "same": [],
    }  # fmt: skip
    data["again"] = data["same"]
    unpickler = InertUnpickler(lambda name, given: {} if name == "collections.OrderedDict" else None)
    assert unpickler.load(Source(io.BytesIO(pickle.dumps(data, protocol)))) == data
    ordered = unpickler.load(Source(io.BytesIO(pickle.dumps(OrderedDict(a=1), protocol))))
    assert ordered == {"a": 1} or (protocol < 2 and unpickler.foreign <= {"collections.OrderedDict"})
    assert not unpickler.foreign


def load(content: bytes) -> Any:
    return InertUnpickler(lambda name, given: None).load(Source(io.BytesIO(content)))


HUGE = struct.pack("<I", 0xFFFFFFF0)
NESTED_TUPLES = b"\x80\x02K\x01" + b"2\x86" * 60  # Each is a pair of the one before, as key 2 ** 60 leaves to hash.


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02Nr" + HUGE + b".",  # a place far out in the memo
        b"\x80\x02X" + HUGE + b"ab.",  # a text of four gigabytes
        b"\x80\x04\x8d" + b"\xff" * 7 + b"\x7fab.",
        b"\x80\x02\x8b" + HUGE[:3] + b"\x7f.",  # a number of two gigabytes
        b"\x80\x02}" + NESTED_TUPLES[2:] + b"Ns.",
        b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
        b"\x80\x02" + b"(" * 100_000 + b"t" * 99_999 + b".",
        b"\x80\x02\x82\x01.",  # an entry of the extension registry
        b"\x80\x02.", b"\x80\x02tR.", b"", b"\x80\x02(", b"\x80\x09N", b"cos\nsystem\n(S'x'\ntR", b"I" + b"9" * 9999,
    ],
)  # fmt: skip
def test_a_hostile_pickle_is_a_value_or_an_error_and_takes_no_memory(content: bytes):
    try:
        load(content)
    except ValueError:
        pass


def test_keys_that_would_take_forever_to_hash_are_left_out():
    assert load(b"\x80\x02}" + NESTED_TUPLES[2:] + b"NsK\x01K\x02s.") == {1: 2}


def test_whole_numbers_beyond_all_bounds_are_inert():
    assert load(pickle.dumps(1 << 4000)) == Inert("a number beyond all bounds")
    assert load(pickle.dumps(1 << 100)) == 1 << 100


def zipped(path: Path, pickled: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
    return path


def test_ten_million_tiny_entries_are_refused_at_once(tmp_path: Path):
    numbers = b"\x80\x02](" + b"K\x01" * 10_000_000 + b"e."
    for content in (numbers, numbers[: 6 + 2 * MOST_STEPS] + b"e."):
        with pytest.raises(CheckpointError, match=r"is not read: it holds more than .*torch.save\(model"):
            read_checkpoint(zipped(tmp_path / "many.pt", content))


def test_a_zip_that_says_it_has_millions_of_files_is_refused_before_they_are_listed(tmp_path: Path):
    listed = 700_000_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, listed, 4, 0)
    with (tmp_path / "many.pt").open("wb") as file:  # a sparse file
        file.write(b"PK\x03\x04")
        file.truncate(4 + listed)
        file.seek(0, io.SEEK_END)
        file.write(end)
    with pytest.raises(CheckpointError, match="its list of entries has 700 MB"):
        read_checkpoint(tmp_path / "many.pt")


@pytest.mark.parametrize("zip_format", [True, False])
def test_a_file_that_was_cut_anywhere_is_refused(zip_format: bool, tmp_path: Path):
    torch.save({"model_state_dict": WEIGHTS}, tmp_path / "w.pt", _use_new_zipfile_serialization=zip_format)
    whole = (tmp_path / "w.pt").read_bytes()
    for end in range(0, len(whole) - 1, 7):
        (tmp_path / "cut.pt").write_bytes(whole[:end])
        with pytest.raises(CheckpointError, match="is not a file that torch.save wrote, or is damaged; fetch it again"):
            read_checkpoint(tmp_path / "cut.pt")


def test_a_storage_that_is_shorter_than_its_tensor_says_is_refused(tmp_path: Path):
    torch.save({"model_state_dict": WEIGHTS}, tmp_path / "w.pt")
    with zipfile.ZipFile(tmp_path / "w.pt") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(tmp_path / "short.pt", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content[:-4] if name.endswith("data/0") else content)
    with pytest.raises(CheckpointError, match="is damaged"):
        read_checkpoint(tmp_path / "short.pt")
    with zipfile.ZipFile(tmp_path / "packed.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    with pytest.raises(CheckpointError, match="is damaged"):
        read_checkpoint(tmp_path / "packed.pt")


def test_a_file_that_becomes_shorter_while_it_is_read_is_told(tmp_path: Path):
    torch.save({"model_state_dict": WEIGHTS}, tmp_path / "w.pt")
    tensor = read_checkpoint(tmp_path / "w.pt").tensors["visual.a"]
    (tmp_path / "w.pt").write_bytes(b"PK")
    with pytest.raises(CheckpointError, match="has become shorter while it was read; import it again"):
        tensor.read()


@pytest.mark.parametrize("zip_format", [True, False])
def test_tensors_of_every_kind_are_read_as_torch_reads_them(zip_format: bool, tmp_path: Path):
    base = torch.arange(24.0)
    state = {
        "transposed": base.reshape(4, 6).T, "part": base[5:9], "steps": base[::3], "scalar": torch.tensor(2.5),
        "parameter": torch.nn.Parameter(base), "empty": torch.zeros(0, 3), "half": base.half(),
        "brain": base.bfloat16(), "double": base.double(), "long": base.long(), "bool": base > 3,
    }  # fmt: skip
    torch.save(state, tmp_path / "a.pt", _use_new_zipfile_serialization=zip_format)
    found = read_torch_file(tmp_path / "a.pt").data
    for name, wanted in torch.load(tmp_path / "a.pt", weights_only=True).items():
        taken = found[name].read()
        assert torch.equal(taken, wanted) and taken.dtype == wanted.dtype, name
        assert found[name].is_plain == (wanted.is_floating_point()), name


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="counts what this process reads, as Linux does")
def test_numbers_that_nobody_asks_for_are_not_read(tmp_path: Path):
    def read_so_far() -> int:
        return int(Path("/proc/self/io").read_text().split()[1])

    torch.save({"model_state_dict": WEIGHTS, "optimizer": torch.zeros(4_000_000)}, tmp_path / "big.pt")
    before = read_so_far()
    read_checkpoint(tmp_path / "big.pt").tensors["visual.a"].read()
    assert read_so_far() - before < 500_000  # of 16 MB
