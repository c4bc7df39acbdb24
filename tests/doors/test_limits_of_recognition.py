"""What a recognition may cost, and how many may be under way: told in plain words before any work is done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from ga2app.errors import BusyError, ConfigError, LabelError, LimitError, StudioError
from ga2app.paths import Home
from ga2app.services.explanations import Question
from ga2app.services.quotas import ON_SPACE, Admission, present_quotas
from ga2app.services.studio import Studio
from ga2app.store import Quotas
from ga2app.types import NoneOfThese, RecognitionRequest
from tests.ui.studios import LABELS, add_bundle, keep_bundle, make_studio


@pytest.fixture
def made(tmp_path: Any) -> Callable[..., Studio]:
    def make(quotas: Quotas | None = None, **changes: Any) -> Studio:
        studio = make_studio(Home(tmp_path), **changes)
        studio.store.quotas = quotas or studio.store.quotas
        return studio

    return make


def refusal(studio: Studio, **asked: Any) -> str:
    """Why the request is not answered, without any work having been done."""
    request = RecognitionRequest(**{"files": [studio.examples[0].path], "labels": list(LABELS), **asked})
    with pytest.raises(StudioError) as caught:
        studio.recognition.answer(request)
    assert not studio.recognizer.asked  # type: ignore[attr-defined]
    assert len(str(caught.value)) < 300
    return str(caught.value)


def test_labels_times_sentences_are_bounded_by_a_sum_that_is_told(made: Callable[..., Studio]) -> None:
    studio = made(quotas=Quotas(texts=100))
    labels = [f"label {number}" for number in range(26)]
    sentences = ["a {}.", "the {}.", "some {}.", "one {}."]
    told = refusal(studio, labels=labels, templates=sentences)
    assert told == (
        "this asks for 104 texts (labels × sentences, the labels once more for each bundle, and descriptions), and 100 "
        "are the most at a time; use fewer labels, sentences or bundles"
    )
    assert studio.recognition.answer(
        RecognitionRequest([studio.examples[0].path], labels[:25], templates=sentences)
    ).clips
    with pytest.raises(LimitError, match="this asks for 105 texts"):
        none = NoneOfThese(negatives=tuple("nothing here, an object, a wall, a chair, a room".split(", ")))
        studio.recognition.answer(
            RecognitionRequest(
                [studio.examples[0].path], labels[:16], templates=[*sentences, "x {}"], none_of_these=none
            )
        )


def test_clips_times_frames_are_bounded_and_bundles_count(made: Callable[..., Studio]) -> None:
    studio = made(quotas=Quotas(frames=40))
    clips = [studio.examples[0].path] * 6
    told = refusal(studio, files=clips)
    assert told.startswith("this asks for 48 frames (clips × frames, and once more for each bundle), and 40 are the")
    studio.recognition.answer(RecognitionRequest(clips[:5], list(LABELS)))
    studio.recognizer.asked.clear()  # type: ignore[attr-defined]
    add_bundle(studio)
    assert "this asks for 48 frames" in refusal(studio, files=clips[:3], bundles="tuned")
    keep_bundle(studio)  # it looks at the frames that it was trained on
    frames = next(iter(studio.store.bundles.list())).folder
    assert frames and "frames (clips" in refusal(studio, files=clips[:3], bundles="kept")


@pytest.mark.parametrize(
    "asked, told",
    [
        ({"top_k": 0}, "top_k: must be 1 or more (it is 0)"),
        ({"top_k": -5}, "top_k: must be 1 or more (it is -5)"),
        ({"labels": ["walking", "a" * (1 << 20)]}, "has 1,048,576 characters, 1,000 are the most; use fewer words"),
        ({"labels": "walking, " + "a" * 2000}, "has 2,000 characters, 1,000 are the most; use fewer words"),
        (
            {"labels": "walking, " + "a" * (1 << 20)},
            "the labels have 1,048,585 characters; 500,000 are the most, use fewer",
        ),
        ({"labels": ["a"] * 1_000_000}, "there are 1,000,000 labels; 20,000 are the most, use fewer"),
        ({"labels": "a," * 25_000}, "there are 25,000 labels; 20,000 are the most, use fewer"),
        ({"labels": "a" * 3_000_000}, "the labels have 3,000,000 characters; 500,000 are the most, use fewer"),
        ({"templates": ["a {}."] * 10_000}, "there are 10,000 sentences; 100 are the most, use fewer"),
        ({"templates": "a {}.\n" * 10_000}, "there are 10,000 sentences; 100 are the most, use fewer"),
        ({"templates": ["{}" + "a" * (1 << 20)]}, "has 1,048,578 characters, 1,000 are the most; use fewer words"),
    ],
)
def test_what_is_too_much_is_refused_in_a_short_sentence(
    made: Callable[..., Studio], asked: dict[str, Any], told: str
) -> None:
    assert told in refusal(made(), **asked)


class Slow:
    """A recognizer that waits until it is told to go on."""

    def __init__(self, plain: Any) -> None:
        self.plain, self.inside, self.go = plain, threading.Semaphore(0), threading.Event()

    def recognize(self, request: RecognitionRequest) -> Any:
        self.inside.release()
        self.go.wait()
        return self.plain.recognize(request)


def test_one_too_many_is_told_how_many_are_before_it_and_when_to_come_back(made: Callable[..., Studio]) -> None:
    slow = Slow(made().recognizer)
    studio = made(quotas=Quotas(recognitions=3), recognizer=slow)
    request = RecognitionRequest([studio.examples[0].path], list(LABELS))
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(studio.recognition.answer(request))) for _ in range(3)]
    for thread in threads:
        thread.start()
        slow.inside.acquire()
    with pytest.raises(BusyError, match=r"^busy: 3 recognitions before this one; try again in about \d+ seconds$"):
        studio.recognition.answer(request)
    slow.go.set()
    for thread in threads:
        thread.join()
    assert len(found) == 3 and studio.recognition.answer(request).clips


def test_whoever_stops_looking_makes_room(made: Callable[..., Studio]) -> None:
    studio = made(quotas=Quotas(recognitions=1))
    request = RecognitionRequest([studio.examples[0].path] * 2, list(LABELS))
    growing = studio.recognition.answers(request)
    next(growing)
    with pytest.raises(BusyError):
        studio.recognition.answer(request)
    growing.close()  # type: ignore[attr-defined]
    assert studio.recognition.answer(request).clips


def test_one_person_has_a_share_and_strangers_leave_room_for_those_who_signed_in(made: Callable[..., Studio]) -> None:
    store = made(quotas=Quotas(recognitions=4, strangers=2, recognitions_each=1)).store
    admission = Admission(store)

    def admitted(person: str | None) -> AbstractContextManager[None]:
        store.person = lambda: person
        return admission.admitted()

    with admitted(None), admitted(None):
        with pytest.raises(BusyError, match="busy: 2 recognitions before this one"), admitted(None):
            pass
        with admitted("bob"):
            with pytest.raises(BusyError, match="1 recognition of yours before this one"), admitted("bob"):
                pass
            with admitted(""), pytest.raises(BusyError, match="busy: 4 recognitions"), admitted("eve"):
                pass


def test_an_explanation_has_its_bounds_and_counts_as_a_recognition(made: Callable[..., Studio]) -> None:
    studio = made(quotas=Quotas(recognitions=1))
    shown = studio.recognition.answer(RecognitionRequest([studio.examples[0].path], list(LABELS)))
    asked = Question(0, 0, LABELS[0])
    with studio.recognition.admission.admitted(), pytest.raises(BusyError, match="busy: 1 recognition before this one"):
        studio.explanations.explain(shown, asked)
    assert studio.explanations.explain(shown, asked).label == LABELS[0]
    studio.store.quotas = Quotas(frames=100)
    with pytest.raises(LimitError) as caught:
        studio.explanations.explain(shown, asked)
    assert str(caught.value) == (
        "this asks for 136 frames (17 times the clip's and those of the anchor clips, for each model), and 100 are the "
        "most at a time; switch anchor sets off, or ask about an answer of zero-shot CLIP"
    )
    studio.store.quotas = Quotas(texts=3)
    with pytest.raises(LimitError, match=r"labels × sentences, negative prompts, descriptions\), and 3 are"):
        studio.explanations.explain(shown, asked)


def test_variables_change_the_bounds_and_those_at_fault_are_told_at_once() -> None:
    assert present_quotas(False, {}) == Quotas() and present_quotas(True, {}) == ON_SPACE
    assert present_quotas(True, {"GA2_MOST_TEXTS": "77", "GA2_MOST_STEPS": " 5 "}) == Quotas(
        **{**vars(ON_SPACE), "texts": 77, "steps": 5}
    )
    with pytest.raises(ConfigError) as caught:
        present_quotas(True, {"GA2_MOST_TEXTS": "many", "GA2_MOST_CLIPS": "0", "GA2_MOST_STEPS": "9" * 40})
    assert [fault.field for fault in caught.value.faults] == ["GA2_MOST_TEXTS", "GA2_MOST_CLIPS", "GA2_MOST_STEPS"]


def test_labels_that_are_too_long_are_refused_wherever_they_are_checked() -> None:
    from ga2app.labels import check_labels

    with pytest.raises(LabelError, match="label 'aaa"):
        check_labels(["walking", "a" * 1001])
