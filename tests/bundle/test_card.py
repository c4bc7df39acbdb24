"""The model card: what the Hub reads of it, what people read, and that nobody's texts become markup."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard

from ga2app.bundles import Manifest, read_manifest
from ga2app.bundles.model_card import card_to_pack, card_to_publish, model_card
from ga2app.config import LossConfig, PromptConfig, RunConfig, WhiteningConfig
from ga2app.errors import BundleError
from ga2app.paths import SKETCH_HARD_PROMPT
from ga2app.synthetic.demo_dataset import subject_named, write_drawn_clip
from ga2app.web.pages.library.library_view import card_html
from tests.bundle.manifests import CLIP, manifest

HOSTILE = (
    'x"\n---\nlicense: mit\n---\n# <script>alert(1)</script> [a](javascript:b) ![c](http://evil) `code` <!-- *d* | e',
    "'''\u2028\u0085\x07\x7f\ufeff\ud800 {{x}} {0} %s \\ & http://evil.example www.evil.example @all $x$ 😀",
    "```\nimport os\n```",
    "- [ ] #1 __init__ ~~gone~~ <b onclick='x'>",
)


def front(card: str) -> dict[str, object]:
    """The front matter, as any reader of YAML takes it."""
    parsed = yaml.safe_load(card.split("\n---\n", 1)[0])
    assert isinstance(parsed, dict)
    return parsed


def test_the_hub_reads_license_base_model_and_the_figures():
    data = ModelCard(model_card(manifest(), repo_id="me/hmdb")).data
    assert (data.license, data.base_model, data.library_name) == ("unknown", CLIP, "ga2app")
    assert data.pipeline_tag == "video-classification" and "arxiv:2511.22125" in data.tags
    assert data.model_name == "hmdb run 3" and data.eval_results is not None
    assert [(one.metric_type, one.metric_value) for one in data.eval_results] == [
        ("accuracy", 78.12),
        ("accuracy", 58.9),
        ("harmonic_mean", 67.17),
    ]
    assert [re.findall("base labels|novel labels|harmonic mean", one.metric_name)[0] for one in data.eval_results] == [
        "base labels",
        "novel labels",
        "harmonic mean",
    ]
    assert {(one.task_type, one.dataset_type, one.dataset_split) for one in data.eval_results} == {
        ("video-classification", "hmdb51", "test")
    }


def test_people_read_how_it_was_trained_and_what_it_cannot_do():
    config = RunConfig(
        dataset="hmdb51",
        backbone=CLIP,
        shots=4,
        seed=7,
        anchors="streets",
        prompts=PromptConfig(length=8, zero_shot_ratio=0.5),
        losses=LossConfig(text_distillation=0.5, anchor_rejection=2.0),
        whitening=WhiteningConfig(enabled=True),
    )
    card = model_card(manifest(config))
    for told in (
        "| with these prompts | 78.1 | 58.9 | 67.2 |",
        "| zero-shot CLIP | 61.0 | 55.5 | 58.1 |",
        "Data set: hmdb51 (hash fedcba9876543210), 4 clips a base label, seed 7, anchor set streets",
        "Prompts: 8 tokens, 9 visual and 9 text layers, coupled to a frozen hard prompt (the embedded one)",
        "Anchor terms: reject 2, vocabulary 0.5",
        "zero-shot ratio 0.5, whitening (anchors 0.25, shrinkage 0.05, center 0.5)",
        "480 steps of AdamW: 12 epochs, learning rate 0.004",
        "Base labels (2): brush hair, cartwheel",
        "Negative prompts (2): nothing, something else",
        "order of their frames look the same",
    ):
        assert told in card


def test_the_temperature_is_told_with_what_it_was_fitted_on_and_cannot_break_the_card():
    assert "Temperature" not in model_card(manifest())
    heat = {"value": 1.7, "fitted": "40 clips\n# of *mine*"}
    (line,) = [line for line in model_card(manifest(temperature=heat)).splitlines() if "Temperature" in line]
    assert line == "- Temperature: 1.70, fitted on `40 clips # of *mine*`"


def test_without_figures_there_is_no_model_index_and_the_card_says_so():
    card = model_card(manifest(metrics={}, zero_shot={}))
    assert "Nothing was measured" in card and not {"model-index", "metrics"} & front(card).keys()
    assert ModelCard(card).data.eval_results is None
    odd = front(model_card(manifest(metrics={"base": 1e300, "hm": -1.0, "novel": 50})))["model-index"]
    assert [one["value"] for one in odd[0]["results"][0]["metrics"]] == [50.0]  # type: ignore[index]


def test_a_bundle_of_the_sketch_backbone_names_no_base_model():
    card = model_card(read_manifest(SKETCH_HARD_PROMPT), license_id="apache-2.0")
    assert not {"base_model", "base_model_relation"} & front(card).keys()
    assert "knows drawings and a few words only" in card
    assert (SKETCH_HARD_PROMPT / "README.md").read_text(encoding="utf-8") == card


def test_an_imported_checkpoint_has_no_license_of_ours_and_no_settings_that_nobody_knows():
    imported = manifest(
        RunConfig(dataset="unknown", backbone=CLIP), "/home/me/k400", steps=0, metrics={}, base=(), novel=()
    )
    card = model_card(imported, repo_id="me/k400")
    assert front(card)["license"] == "unknown" and "base_model" not in front(card)
    assert "Imported from a published checkpoint" in card and "steps of AdamW" not in card
    assert 'from_pretrained("me/k400", backbone="path/to/its/backbone")' in card
    assert "Base labels (0): not known" in card


def test_no_license_is_claimed_that_nobody_chose():
    bundle = manifest()
    claimed = model_card(bundle, license_id="apache-2.0")  # as cards of before said without having asked
    assert front(card_to_publish(bundle, claimed, "me/one"))["license"] == "unknown"
    published = model_card(bundle, repo_id="me/one", license_id="apache-2.0")
    assert front(card_to_publish(bundle, published, "me/one"))["license"] == "apache-2.0"
    assert front(card_to_pack(bundle, claimed))["license"] == "unknown" and card_to_pack(bundle, "# mine") == "# mine"


def test_figures_have_their_test_clips_and_intervals_beside_them_in_the_text_and_for_the_hub():
    tested = {"base": {"clips": 64, "labels": 16}, "novel": {"clips": 20, "labels": 3}}
    card = model_card(manifest(conditions={"tested": tested}))
    assert "| with these prompts | 78.1 (67–86) | 58.9 (38–77) | 67.2 (53–79) |" in card
    assert "95% interval, over 64 base test clips and 20 novel test clips" in card
    assert "only 3 novel labels" in card and "only 20 novel test clips" in card
    named = [one["name"] for one in front(card)["model-index"][0]["results"][0]["metrics"]]  # type: ignore[index]
    assert named[0] == "top-1 accuracy, base labels, percent, 95% interval 67–86, 64 test clips"


def test_one_novel_label_has_no_figure_on_the_card_not_even_on_one_of_before():
    one = manifest(novel=("kick ball",), metrics={"base": 50.0, "novel": 100.0, "hm": 66.7})
    assert "| with these prompts | 50.0 | – | – |" in model_card(one)
    shown = front(model_card(one))["model-index"][0]["results"][0]["metrics"]  # type: ignore[index]
    assert [figure["value"] for figure in shown] == [50.0]


def test_the_method_names_what_the_run_did_and_what_was_asked_for_in_vain_is_said():
    off = RunConfig(dataset="mine", backbone=CLIP, losses=LossConfig(text_distillation=1.0))
    reason = "it takes two training clips of a label"
    told = {"setting": "whitening.enabled", "asked": True, "used": False, "reason": reason}
    conditions = {
        "clips": 12,
        "least": 6,
        "most": 6,
        "anchors": "12 anchor clips borrowed from data set 'demo'",
        "adjustments": [told],
    }
    card = model_card(manifest(off, conditions=conditions))
    (method,) = re.findall(r"^- Method: (.*)$", card, re.MULTILINE)
    assert method == "GA²-CLIP, extended (ga2-plus): prompts in both towers, coupled to a hard prompt, anchor terms"
    assert "no whitening" in card and "16 shots (6 clips a label), seed 1024" in card
    assert "- Anchors: 12 anchor clips borrowed from data set 'demo'" in card
    assert f"- Not as asked for: `whitening.enabled` was to be True and was False, because {reason}" in card


def test_a_bundle_that_was_renamed_is_still_ours():
    bundle = manifest()
    renamed = replace(bundle, name="my clips")
    card = card_to_publish(renamed, model_card(bundle), "me/one")
    assert "\n# my clips\n" in card and ModelCard(card).data.model_name == "my clips"
    assert "\n# hmdb run 3\n" in card_to_publish(bundle, card, "me/one")


def test_a_card_in_the_words_of_earlier_versions_is_still_ours():
    card = model_card(manifest(), license_id="mit")
    old = card.replace("| zero-shot CLIP |", "| plain CLIP |").replace("zero-shot ratio", "residual")
    old = old.replace("A probability says", "A share says")
    assert old != card and card_to_publish(manifest(), old, "me/one") == model_card(
        manifest(), repo_id="me/one", license_id="mit"
    )


def test_the_license_is_the_publishers_to_choose():
    assert front(model_card(manifest(), license_id="CC-BY-NC-4.0"))["license"] == "cc-by-nc-4.0"
    other = front(model_card(manifest(), license_id="other", license_name="my\nterms"))
    assert (other["license"], other["license_name"]) == ("other", "my terms")
    with pytest.raises(BundleError, match="'other' needs a name"):
        model_card(manifest(), license_id="other")
    with pytest.raises(BundleError, match="license 'mit: x' is none that the Hub knows; choose one such as apache-2.0"):
        model_card(manifest(), license_id="mit: x")


def test_a_card_is_made_anew_for_where_it_goes_and_keeps_the_license_that_was_chosen_once():
    bundle = manifest()
    first = card_to_publish(bundle, model_card(bundle), "me/one", "other", 'my "own" terms')
    assert 'from_pretrained("me/one")' in first and front(first)["license_name"] == 'my "own" terms'
    again = card_to_publish(bundle, first, "lab/two")
    assert 'from_pretrained("lab/two")' in again and front(again)["license_name"] == 'my "own" terms'
    assert front(card_to_publish(bundle, again, "lab/two", "mit")) == front(model_card(bundle, license_id="mit"))
    assert card_to_publish(bundle, None, "me/one") == model_card(bundle, repo_id="me/one")
    rewritten = first.replace("## Limits", "## What we saw")
    assert card_to_publish(bundle, rewritten, "lab/two") == rewritten
    with pytest.raises(BundleError, match="was rewritten by hand, so its license stands there; change it in README.md"):
        card_to_publish(bundle, rewritten, "lab/two", "mit")


def test_nothing_of_somebodys_machine_is_told():
    prompts = PromptConfig(hard_prompt="/home/alice/hard/k400")
    config = RunConfig(dataset="~/secret/clips", backbone=CLIP, prompts=prompts)
    card = model_card(manifest(config, r"C:\Users\alice\clip"))
    assert "alice" not in card and "secret" not in card and "home" not in card
    assert "hard prompt (k400)" in card and "data set clips" in card and "Backbone: clip" in card


def hostile() -> Manifest:
    text = HOSTILE[0]
    hard = HOSTILE[1].replace("\ud800", "")  # settings refuse half a character
    config = RunConfig(dataset=text, backbone=text, anchors=text, prompts=PromptConfig(hard_prompt=hard))
    sizes = {"visual_width": 1, "text_width": 1, "embedding_width": 1, "image_size": text}
    return manifest(
        config,
        name=text,
        backbone={"name": text, "revision": HOSTILE[1], "fingerprint": HOSTILE[3], "sizes": sizes},
        base=HOSTILE,
        novel=HOSTILE[1:],
        anchor_captions=HOSTILE,
        negatives=HOSTILE,
        dataset_hash=HOSTILE[2],
        packages={text: HOSTILE[1]},
        conditions={
            "anchors": text,
            "negatives": HOSTILE[2],
            "adjustments": [{"setting": text, "asked": HOSTILE[1], "used": HOSTILE, "reason": HOSTILE[3]}],
            "tested": {"base": {"clips": 1, "labels": 1}, text: 3},
        },
    )


@pytest.mark.parametrize("steps", [0, 5])
def test_hostile_texts_stay_texts(steps: int):
    card = model_card(replace(hostile(), steps=steps), repo_id='me/x")\nimport os', license_id="mit")
    clean = front(model_card(manifest()))
    assert (
        front(card).keys() == clean.keys() - {"base_model", "base_model_relation"} and front(card)["license"] == "mit"
    )
    data = ModelCard(card).data
    assert data.model_name == " ".join(HOSTILE[0].split()) and "😀" in card
    assert all(letter.isprintable() or letter == "\n" for letter in card)
    body = card.split("\n---\n", 1)[1]
    (code,) = re.findall(r"```python\n(.*?)\n```", body, re.DOTALL)
    assert body.count("```") == 2 and "path/to/this/folder" in code and '["your label", "another label"]' in code
    compile(code, "card", "exec")
    told = re.sub(r"`[^`\n]*`", "", body.replace(code, ""))
    assert told.count("](") == 1 and not re.search(r"[<>{}$@~_\\]|evil|!\[|import os", told)
    html = card_html(card)
    assert "<script" not in html and "<b" not in html and html.count("<a ") == 1
    assert "Limits" in html and "look the same" in html


def test_the_six_lines_of_use_run(tmp_path: Path):
    """As published: the folder stands in for the repository of that name."""
    card = model_card(read_manifest(SKETCH_HARD_PROMPT), repo_id="me/hard-prompt")
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 6
    shutil.copytree(SKETCH_HARD_PROMPT, tmp_path / "me" / "hard-prompt")
    write_drawn_clip(tmp_path / "clip.mp4", subject_named("jumping"), "plain", 3)
    printed = io.StringIO()
    with contextlib.chdir(tmp_path), contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    assert re.fullmatch(r"\d+% jumping \(base\)\n\d+% sitting on a chair \(base\)\n", printed.getvalue())
