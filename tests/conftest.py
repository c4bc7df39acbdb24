"""Fixtures that several rooms share: tiny models in the real format, and where the borrowed clips lie."""

from __future__ import annotations

import gc
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from ga2app.environment import usable_cores
from ga2app.paths import Home
from ga2app.store import Store
from ga2app.synthetic.demo_dataset import demo_dataset
from tests.browser import chromium as chromium
from tests.browser import context as context
from tests.browser import pytest_terminal_summary as pytest_terminal_summary
from tests.browser import tab as tab
from tests.hub_server import Login, LoopbackHub, hub_listening
from tests.leftovers import pytest_configure as pytest_configure
from tests.leftovers import pytest_sessionfinish as pytest_sessionfinish

gc.disable()  # until all is imported: else collecting tests is in good part a look for garbage, again and again
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is loaded; the app's commands set it, too
HUB_CACHE = tempfile.TemporaryDirectory(prefix="ga2-hub-cache-", ignore_cleanup_errors=True)
os.environ["HF_HUB_CACHE"] = (
    HUB_CACHE.name
)  # read when huggingface_hub is: a test neither sees nor fills the person's own
SHARED = Path(__file__).resolve().parents[2] / "shared"
LONGEST = (
    "test_six_screens.py",
    "test_accessibility.py",
    "test_ranks.py",
    "test_journey.py",
    "test_running_space.py",
    "test_documents.py",
    "test_reading_clips.py",
    "test_command_line.py",
    "test_base2novel.py",
    "test_worker_for_real.py",
    "test_installed.py",
)
SERVED = re.compile(r"ui/.*(_in_chromium|_in_browser|accessibility)\.py$|ui/api/")
"""Files whose tests share one server and one Chromium, which are slow to start and warm: one process has them all."""
WORDS = "a video of person walking running jumping waving hand reading book nothing something else red wall . x".split()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, one for each process: begun last, one of them would run on alone."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """One more than there are cores: many a test waits for a process that it has started."""
    told = "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ or config.option.numprocesses != "auto"
    return None if told else usable_cores() + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file is a unit of work, as with ``--dist loadfile``; those that share a server are one."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Shared(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "served" if SERVED.search(file) else str(file)

    return Shared(config, log)


def pytest_collection_finish() -> None:
    """What has been imported stays: looked through again and again for garbage, it takes longer than most tests."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def real_clips() -> Path:
    """Folder of the borrowed real clips; the test is skipped where it is absent."""
    folder = SHARED / "clips" / "real"
    if not folder.is_dir():
        pytest.skip("the borrowed real clips are not here")
    return folder


@pytest.fixture(scope="session")
def clip_tokenizer() -> Path:
    """Folder of the tokenizer of OpenAI's CLIP; the test is skipped where it is absent."""
    folder = SHARED / "clip-tokenizer"
    if not folder.is_dir():
        pytest.skip("the tokenizer of OpenAI's CLIP is not here")
    return folder


@pytest.fixture(scope="session")
def tiny_clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CLIP of random weights with a word tokenizer, saved as transformers saves one: 32 px, 3 + 3 layers."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import CLIPConfig, CLIPModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny-clip")
    vocabulary = {word: place for place, word in enumerate(["<pad>", "<unk>", "<s>", "</s>", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 2), ("</s>", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<pad>"
    ).save_pretrained(folder)
    text = {
        "hidden_size": 24,
        "intermediate_size": 48,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "vocab_size": len(vocabulary),
        "max_position_embeddings": 24,
        "bos_token_id": 2,
        "eos_token_id": 3,
        "pad_token_id": 0,
    }
    vision = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "image_size": 32,
        "patch_size": 8,
    }
    torch.manual_seed(0)
    CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def drawn_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo data set, drawn once for all, also for the other test processes; ``link_demo`` gives it to a home."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "drawn-demo"
    with FileLock(folder.with_suffix(".lock")):  # two processes would both draw it
        demo_dataset(folder)
    return folder


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The database of a home in which nothing has been done: to make its tables takes longer than most tests of it."""
    home = Home(tmp_path_factory.mktemp("empty") / "home")
    Store.open(home).close()
    return home.database.read_bytes()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def store(home: Home, empty_database: bytes) -> Iterator[Store]:
    """The store of ``home``, in which nothing has been done, on a real disk."""
    home.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    home.database.write_bytes(empty_database)
    with Store.open(home) as opened:
        yield opened


@pytest.fixture
def loopback_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    """A Hub on this computer that everything here takes for the Hub. This machine's login there is alice's."""
    with hub_listening() as hub:
        hub.logins["hf_alice"] = Login("alice", organizations=("lab",))
        hub.logins["hf_bob"] = Login("bob")
        hub.logins["hf_reader"] = Login("alice", role="read")
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_TOKEN", "hf_alice")
        monkeypatch.delenv("SPACE_ID", raising=False)
        yield hub


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test touches the live data of the person who runs it."""
    monkeypatch.setenv("GA2_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GA2_BACKBONE", raising=False)
    yield
