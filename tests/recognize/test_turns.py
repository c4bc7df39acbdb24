"""Recognitions take turns: a long one is done in slices, and others come in between, in the order of asking."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from ga2app import Recognizer, load_backbone
from ga2app.clip import frozen_clip
from ga2app.clip.turns import Turns, let_others_in
from ga2app.errors import ConfigError, LabelError
from tests.clips import COLORS, color_dataset


def waiting(turns: Turns, count: int) -> None:
    while len(turns._waiting) < count:
        time.sleep(0.001)


def test_a_turn_is_handed_on_in_the_order_of_asking_and_slices_alternate() -> None:
    turns, done, threads = Turns(), [], []

    def work(name: str) -> None:
        with turns.turn():
            for number in range(2):
                done.append(f"{name}{number}")
                let_others_in()

    with turns.turn():
        for place, name in enumerate("abc", start=1):
            threads.append(threading.Thread(target=work, args=name))
            threads[-1].start()
            waiting(turns, place)
        with turns.turn():  # whoever holds it goes on
            assert not done
    for thread in threads:
        thread.join()
    assert done == ["a0", "b0", "c0", "a1", "b1", "c1"]
    let_others_in()  # outside a turn it does nothing


def test_a_turn_that_ends_in_an_error_is_handed_on() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="no"), turns.turn():
        raise ValueError("no")
    with turns.turn():
        pass


def test_a_question_of_few_labels_is_answered_while_one_of_many_is_being_read(
    tiny_clip_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frozen_clip, "TEXT_CHUNK", 16)
    clip = color_dataset(tmp_path).clips[0].path
    backbone = load_backbone(tiny_clip_folder, precision="float32")
    recognizer = Recognizer(backbone)
    encoded: list[int] = []
    plain, begun = backbone.encode_text, threading.Event()

    def slow(*given: object, **named: object) -> object:
        encoded.append(threading.get_ident())
        if len(encoded) > 2:
            begun.set()
            time.sleep(0.005)  # so that the other question is asked while this one is under way
        return plain(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(backbone, "encode_text", slow)
    many = [f"walking {number}" for number in range(1600)]
    found = []
    thread = threading.Thread(target=lambda: found.append(recognizer.recognize([clip], many)))
    thread.start()
    begun.wait()
    few = recognizer.recognize([clip], list(COLORS), top_k=1)
    assert thread.is_alive() and few.clips[0].error is None and len(few.clips[0].plain) == 1
    thread.join()
    assert len(found[0].clips[0].plain) == 1600
    mine = [place for place, who in enumerate(encoded) if who == threading.get_ident()]
    assert mine and mine[0] > 0 and mine[-1] < len(encoded) - 1  # in between


def test_features_in_slices_are_those_of_one_piece(tiny_clip_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"walking {number}" for number in range(40)]
    whole = load_backbone(tiny_clip_folder, precision="float32").class_features(names)
    monkeypatch.setattr(frozen_clip, "TEXT_CHUNK", 7)
    sliced = load_backbone(tiny_clip_folder, precision="float32").class_features(names)
    assert sliced.flatten().tolist() == pytest.approx(whole.flatten().tolist(), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("top_k", [0, -5])
def test_fewer_than_one_label_cannot_be_asked_for(tiny_clip_folder: Path, top_k: int) -> None:
    with pytest.raises(ConfigError, match=rf"^top_k: must be 1 or more \(it is {top_k}\); leave it out for all$"):
        Recognizer(load_backbone(tiny_clip_folder)).recognize(["a.mp4"], ["a", "b"], top_k=top_k)


def test_a_label_of_a_megabyte_is_refused_in_a_short_sentence(tiny_clip_folder: Path) -> None:
    with pytest.raises(LabelError) as caught:
        Recognizer(load_backbone(tiny_clip_folder)).recognize(["a.mp4"], ["walking", "a" * (1 << 20)])
    assert "has 1,048,576 characters, 1,000 are the most; use fewer words" in str(caught.value)
    assert len(str(caught.value)) < 200
