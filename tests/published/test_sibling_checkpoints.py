"""Checkpoints of CoOp, IVLP, PromptSRC, ViFi-CLIP's prompting and MaPLe answer as their own code does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ga2app.bundles.checkpoints import Imported, Origin, import_checkpoint
from ga2app.clip import Backbone, load_backbone
from ga2app.errors import CheckpointError
from ga2app.inference import Recognizer, load_bundle
from ga2app.types import LabelKind
from tests.clips import write_color_clip
from tests.published import openai_layout as theirs
from tests.published import sibling_layouts as siblings
from tests.published.checkpoint_table import NAMES, TOLERANCE, Compared, compare, pixels, table
from tests.published.conftest import BASE
from tests.published.sibling_layouts import LEARNER, METHODS, Method, State

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, tiny_clip_folder: Path) -> theirs.World:
    return theirs.make_world(tmp_path_factory.mktemp("half") / "clip", tiny_clip_folder, half=True)


@pytest.fixture(scope="session")
def backbone(world: theirs.World) -> Backbone:
    return load_backbone(world.folder, device="cpu", precision="float32")


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.title)
def test_a_bundle_answers_as_the_code_that_wrote_the_checkpoint(
    method: Method, world: theirs.World, backbone: Backbone, tmp_path: Path
):
    found = compare(method, world, backbone, tmp_path)
    assert found.difference < TOLERANCE
    # That says something: every prompt shows in the logits.
    assert float((found.wanted - theirs.logits(world.weights, world.folder, pixels(), NAMES)).abs().max()) > 0.1
    assert found.answer.base == BASE
    prompts = found.answer.prompts
    assert prompts is not None and not prompts.coupled and prompts.length == theirs.LENGTH
    assert (prompts.visual_depth, prompts.text_depth) == method.depths
    assert "config" in found.answer.ignored and "val_result" in found.answer.ignored
    told = next(note for note in found.answer.notes if "objects of" in note)
    assert "dassl.optim.ConstantWarmupScheduler" in told and "nothing was made of them" in told


def test_every_prompt_of_a_checkpoint_shows_in_its_answers(world: theirs.World):
    for method in METHODS:
        state = method.state(world, BASE)
        wanted = siblings.forward(state, world, pixels(), NAMES)
        for key in state:
            if "ctx" in key or "VPT" in key or "learner.proj." in key or "compound" in key:
                other = siblings.forward({**state, key: state[key].flip(-1)}, world, pixels(), NAMES)
                assert float((other - wanted).abs().max()) > 10 * TOLERANCE, (method.title, key)


def test_the_table_in_the_documents_is_the_one_that_is_printed(tmp_path: Path):
    guide = (ROOT / "docs/guides/reproduce.md").read_text()
    for row in table(tmp_path):
        start = row.rpartition(" | ")[0] if "refused" not in row else row
        assert start in guide, f"python -m tests.published.checkpoint_table\n{row}"


def test_the_recognizer_answers_with_a_bundle_of_each(backbone: Backbone, world: theirs.World, tmp_path: Path):
    clip = write_color_clip(tmp_path / "a.mp4", (200, 40, 40), 0)
    for method in METHODS:
        out = tmp_path / method.title
        siblings.save(tmp_path / method.name, method.entry, method.state(world, BASE))
        found = import_checkpoint(tmp_path / method.name, backbone, out=out, origin=Origin(num_frames=2))
        own = load_backbone(found.backbone_folder, device="cpu") if found.backbone_folder else backbone
        (answer,) = Recognizer(own, out).recognize([clip], ["walking", "jumping"]).clips
        assert answer.error is None and answer.bundle is not None
        assert {score.label: score.kind for score in answer.bundle} == {
            "walking": LabelKind.BASE,
            "jumping": LabelKind.NOVEL,
        }


def test_a_mean_over_epochs_in_float16_keeps_its_own_rounding_and_its_names(
    world: theirs.World, backbone: Backbone, tmp_path: Path
):
    found = compare(next(one for one in METHODS if one.title == "PromptSRC"), world, backbone, tmp_path)
    assert found.answer.backbone_folder is not None and found.answer.base == BASE
    assert any("frozen copy of the vision tower" in note for note in found.answer.notes)


def test_tuned_towers_beside_vificlips_prompts_become_a_backbone(
    world: theirs.World, backbone: Backbone, tmp_path: Path
):
    fixed = "token_embedding.weight"
    tuned = {key: weight if key == fixed else 1.1 * weight for key, weight in world.weights.items()}
    other = theirs.World(world.folder, tuned)
    siblings.save(tmp_path / "best.pth", "model", siblings.vificlip(other, BASE))
    answer = import_checkpoint(tmp_path / "best.pth", backbone, out=tmp_path / "out")
    assert answer.backbone_folder == tmp_path / "out-backbone"
    kept = load_backbone(answer.backbone_folder, device="cpu", precision="float32")
    wanted = siblings.forward(siblings.vificlip(other, BASE), other, pixels(), NAMES)
    with torch.no_grad():
        found = load_bundle(tmp_path / "out").attach(kept, NAMES)(pixels()).logits
    assert float((found - wanted).abs().max()) < TOLERANCE


@pytest.mark.parametrize("zipped", [True, False])
def test_both_formats_of_files_give_the_same_bundle(
    zipped: bool, world: theirs.World, backbone: Backbone, tmp_path: Path
):
    state = siblings.maple(world, BASE)
    siblings.save(tmp_path / "m.pth", "state_dict", state, _use_new_zipfile_serialization=zipped)
    import_checkpoint(tmp_path / "m.pth", backbone, out=tmp_path / "out")
    assert torch.equal(load_bundle(tmp_path / "out").bundle.tensors["soft"], state[f"{LEARNER}ctx"].float())


def test_a_bundle_without_another_name_is_called_after_the_method(
    world: theirs.World, backbone: Backbone, tmp_path: Path
):
    siblings.save(tmp_path / "model.pth.tar-5", "state_dict", siblings.maple(world, BASE))
    import_checkpoint(tmp_path / "model.pth.tar-5", backbone, out=tmp_path / "out")
    assert load_bundle(tmp_path / "out").manifest.name == "MaPLe model.pth.tar-5"


def refused(state: State, backbone: Backbone, folder: Path, name: str = "x.pth") -> CheckpointError:
    folder.mkdir(parents=True, exist_ok=True)
    siblings.save(folder / name, "state_dict", state)
    with pytest.raises(CheckpointError) as caught:
        import_checkpoint(folder / name, backbone, out=folder / "out")
    assert [path.name for path in folder.iterdir()] == [name]
    return caught.value


@pytest.mark.parametrize("method", siblings.REFUSED)
def test_prompts_that_no_bundle_can_hold_are_refused_with_the_reason(method: str, backbone: Backbone, tmp_path: Path):
    state, reason = siblings.REFUSED[method]
    told = str(refused(state, backbone, tmp_path))
    assert reason in told and "train the prompts here instead (train --method coop or ivlp)" in told


@pytest.mark.parametrize("place", ["middle", "front"])
def test_a_context_round_the_name_is_told_by_the_folder_of_its_run(
    place: str, world: theirs.World, backbone: Backbone, tmp_path: Path
):
    folder = tmp_path / f"nctx16_cscFalse_ctp{place}" / "seed1" / "prompt_learner"
    told = str(refused(siblings.coop(world, BASE), backbone, folder, "model.pth.tar-50"))
    assert f"has the class name in the {place} ('ctp{place}'), where a bundle has the name after" in told


def faults(error: CheckpointError) -> set[tuple[str, str]]:
    return {(fault.field, fault.message) for fault in error.faults}


def test_what_does_not_fit_the_backbone_is_told_with_both_numbers(
    world: theirs.World, backbone: Backbone, tmp_path: Path
):
    deep = siblings.maple(world, BASE)
    for number in (2, 3):
        deep[f"{LEARNER}compound_prompts_text.{number}"] = torch.zeros(4, 24)
    rule = "is for layer 4 of both towers, of which one of the backbone has 4, numbered from 0"
    assert (f"{LEARNER}compound_prompts_text.3", rule) in faults(refused(deep, backbone, tmp_path / "deep"))
    cut = siblings.maple(world, BASE)
    del cut[f"{LEARNER}compound_prompt_projections.1.bias"]
    assert faults(refused(cut, backbone, tmp_path / "cut")) == {
        (f"{LEARNER}compound_prompt_projections.1.bias", "is missing")
    }
    wide = {**siblings.coop(world, BASE), "ctx": torch.zeros(4, 512)}
    assert ("ctx", "has shape (4, 512) instead of (any, 24)") in faults(refused(wide, backbone, tmp_path / "wide"))
    long = {"ctx": torch.zeros(30, 24)}
    rule = "leaves no room for a name: 30 tokens in 32 text positions"
    assert faults(refused(long, backbone, tmp_path / "long")) == {("ctx", rule)}
    uneven = {**siblings.ivlp(world, BASE), "image_encoder.VPT": torch.zeros(8, 32)}
    rule = "has 8 tokens where the text prompts have 4: those of a bundle are equally many"
    assert faults(refused(uneven, backbone, tmp_path / "uneven")) == {("image_encoder.VPT", rule)}


def test_names_of_another_token_embedding_are_refused_by_the_key_that_the_file_has(
    world: theirs.World, backbone: Backbone, tmp_path: Path
):
    other = {**world.weights, "token_embedding.weight": 1.1 * world.weights["token_embedding.weight"]}
    state = siblings.coop(theirs.World(world.folder, other), BASE)
    ((key, rule),) = faults(refused(state, backbone, tmp_path))
    assert key == "token_prefix" and "comes of another token embedding" in rule


def test_what_comes_of_a_checkpoint_is_one_record(world: theirs.World, backbone: Backbone, tmp_path: Path):
    found = compare(METHODS[0], world, backbone, tmp_path)
    assert isinstance(found, Compared) and isinstance(found.answer, Imported)
    assert any("'middle' or 'front', do not use the bundle" in note for note in found.answer.notes)
