"""CLIP folders and caches as people have them: used, or refused with the true reason."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ga2app import hub
from ga2app.clip import load_backbone
from ga2app.clip.files import find_cached
from ga2app.errors import BackboneError
from ga2app.paths import SKETCH_CLIP
from tests.backbone.clip_folders import COMMIT, TOKENIZER, cached, copy_of, pickled, say


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The Hugging Face cache of this test."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def refusal(folder: Path) -> str:
    with pytest.raises(BackboneError) as told:
        load_backbone(folder)
    return str(told.value)


def test_a_folder_without_a_tokenizer_is_refused_by_name(tiny_clip_folder: Path, tmp_path: Path):
    folder = copy_of(tiny_clip_folder, tmp_path / "no-tokenizer", without=TOKENIZER)
    said = refusal(folder)
    assert "no tokenizer: neither tokenizer.json nor vocab.json with merges.txt" in said
    assert "it needs config.json, model.safetensors and the tokenizer's files" in said


def test_a_tokenizer_of_another_model_is_refused_by_its_size(tiny_clip_folder: Path, tmp_path: Path):
    from transformers import CLIPTokenizer

    folder = copy_of(tiny_clip_folder, tmp_path / "small", without=TOKENIZER)
    # What transformers makes of nothing, once it has been saved: a file is there, and all labels are one text.
    CLIPTokenizer().save_pretrained(folder)
    assert "its tokenizer has 2 entries and its text tower 22" in refusal(folder)
    large = copy_of(tiny_clip_folder, tmp_path / "large", without=TOKENIZER)
    sketch = SKETCH_CLIP
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(sketch / name, large / name)
    assert "its tokenizer has 234 entries and its text tower 22" in refusal(large)


def test_a_tokenizer_that_makes_the_same_of_every_word_is_refused(tiny_clip_folder: Path, tmp_path: Path):
    folder = copy_of(tiny_clip_folder, tmp_path / "deaf")
    file = folder / "tokenizer.json"
    text = file.read_text()
    for word in ("a", "person", "walking", "running", "jumping", "reading"):
        text = text.replace(f'"{word}":', f'"qq{word}":')
    file.write_text(text)
    assert "its tokenizer makes the same of every word" in refusal(folder)


def test_another_kind_of_model_is_refused_by_its_type(tiny_clip_folder: Path, tmp_path: Path):
    folder = say(copy_of(tiny_clip_folder, tmp_path / "x"), "config.json", model_type="xclip")
    assert "is a xclip model, not a CLIP" in refusal(folder)


def test_weights_that_are_missing_in_the_file_are_not_made_up(tiny_clip_folder: Path, tmp_path: Path):
    folder = copy_of(tiny_clip_folder, tmp_path / "part")
    weights = load_file(folder / "model.safetensors")
    renamed = {name.replace("pre_layrnorm", "pre_layernorm"): tensor for name, tensor in weights.items()}
    save_file(renamed, folder / "model.safetensors", metadata={"format": "pt"})
    assert "2 weights are not in model.safetensors, such as vision_model.pre_layrnorm.bias" in refusal(folder)


def test_a_pointer_of_git_lfs_is_named(tiny_clip_folder: Path, tmp_path: Path):
    folder = copy_of(tiny_clip_folder, tmp_path / "cloned")
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    assert "model.safetensors is a pointer of git-lfs" in refusal(folder)


def test_a_path_that_is_no_folder_is_not_sent_to_the_hub(tmp_path: Path):
    with pytest.raises(BackboneError, match="is not a folder on this machine; check the path"):
        load_backbone(tmp_path / "gone", allow_download=True)
    (tmp_path / "file").touch()
    with pytest.raises(BackboneError, match="is a file, and a backbone is a folder"):
        load_backbone(tmp_path / "file")


def test_weights_as_torch_saves_them_give_the_same_backbone(tiny_clip_folder: Path, tmp_path: Path):
    folder = pickled(copy_of(tiny_clip_folder, tmp_path / "bin"))
    found, wanted = load_backbone(folder), load_backbone(tiny_clip_folder)
    assert found.identity.fingerprint == wanted.identity.fingerprint
    (folder / "pytorch_model.bin").write_bytes(b"no weights")
    assert "pytorch_model.bin is not a file that torch.save wrote" in refusal(folder)
    torch.save({"weights": refusal}, folder / "pytorch_model.bin")
    assert "does not hold a CLIP that transformers can load" in refusal(folder)


def test_a_clip_in_the_cache_by_its_commit_is_found_and_the_commit_recorded(tiny_clip_folder: Path, cache: Path):
    cached(tiny_clip_folder, cache)
    assert [choice.name for choice in hub.cached_backbones()] == ["user/clip"]
    assert load_backbone("user/clip").identity.revision == COMMIT
    assert load_backbone("user/clip", revision=COMMIT).identity.revision == COMMIT


def test_a_clip_in_the_cache_at_main_has_its_commit_too(tiny_clip_folder: Path, cache: Path):
    cached(tiny_clip_folder, cache, ref="main")
    cached(tiny_clip_folder, cache, commit="f" * 40)
    assert load_backbone("user/clip").identity.revision == COMMIT
    assert load_backbone("user/clip", revision="f" * 40).identity.revision == "f" * 40


def test_a_clip_in_the_cache_with_pickled_weights_is_used(tiny_clip_folder: Path, cache: Path, tmp_path: Path):
    cached(pickled(copy_of(tiny_clip_folder, tmp_path / "bin")), cache, ref="main")
    assert load_backbone("user/clip").identity.revision == COMMIT
    assert [choice.name for choice in hub.cached_backbones()] == ["user/clip"]


def test_what_a_cache_lacks_is_told_and_not_that_it_is_empty(tiny_clip_folder: Path, cache: Path):
    place = cached(tiny_clip_folder, cache, ref="main")
    (place / "model.safetensors").unlink()
    with pytest.raises(
        BackboneError, match=r"'user/clip' in the local .* \(no model.safetensors\).*hf download user/cl"
    ):
        load_backbone("user/clip")
    with pytest.raises(BackboneError, match=r"nor in the local .* at revision 'v2' \(it holds: main\)"):
        find_cached("user/clip", "v2")
