"""The endpoints of reviews: which clips to look at, what was said of one, and clips by words.

A docstring here is what a caller reads, and an endpoint answers in plain JSON.
"""

from __future__ import annotations

from typing import Any

from ga2app.errors import ConfigError, Fault
from ga2app.services.studio import Studio
from ga2app.stretches import shown_address

MOST_LISTED = 200


class ReviewEndpoints:
    """What programs may ask about the clips of a data set."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def review_dataset(
        self, dataset: str, order: str = "uncertain", bundle: str = "", count: int = 20, copies: bool = False
    ) -> dict[str, Any]:
        """List the clips of a data set that are worth a look, or its near-copies; every clip is looked at once before.

        Args:
            dataset: the name of the data set.
            order: uncertain (largest entropy), margin (two labels nearly alike), disagree (bundle and zero-shot CLIP),
                label (the answer is not the clip's label), suspected (labels that are probably wrong) or listed.
            bundle: the bundle's key as list_bundles gives it; empty for zero-shot CLIP alone.
            count: how many to list, 200 at most.
            copies: true for pairs of clips that show the same footage, in place of clips.

        Returns:
            clips: id, file, label, subset, score, why, suspected (the label that a clip probably has, or null) and
                answers (label and score, the best first, by classifier) of each; empty with copies.
            pairs: of near-copies clips (two of id, file, label, subset), why, warning (or null) and cosine.
            remaining: how many clips of this order nobody has confirmed or corrected.
            reviewed: how many clips were confirmed, corrected, skipped, and are open.
            unreadable: what is wrong with clips that cannot be read, by their names.

        Raises:
            DatasetError: there is no such data set or order.
            LimitError: looking at the clips would cost more than one request may.
        """
        studio = self._studio
        of, most = studio.datasets.called(dataset).id, min(int(count), MOST_LISTED)
        faults = studio.looks.look(of, bundle)
        found = [] if copies else studio.review.ranked(of, order, bundle, count=most)
        pairs = studio.review.copies(of, bundle, count=most) if copies else []
        return {
            "clips": [one.to_dict() for one in found],
            "pairs": [pair.to_dict() for pair in pairs],
            "remaining": 0 if copies else studio.review.remaining(of, order, bundle),
            "reviewed": {how.value or "open": number for how, number in studio.review.counts(of).items()},
            "unreadable": {shown_address(path): told for path, told in faults.items()},
        }

    def review_clip(self, clip: int, action: str = "confirm", label: str = "") -> str:
        """Say what a clip of a data set shows; it can be undone on the page Review.

        Args:
            clip: the id that review_dataset or search_clips gave.
            action: confirm (its label is right), correct (it has another label), skip or leave-out (take it out of the
                data set; no file is deleted).
            label: with correct, the right label; one that the data set does not have is made.

        Returns:
            said: in words what was done.

        Raises:
            DatasetError: the clip is not there any more, or a run that waits still needs the data set as it is.
            ConfigError: another action.
        """
        review, number = self._studio.review, int(clip)
        actions = {
            "confirm": lambda: review.confirm(number),
            "correct": lambda: review.correct(number, label),
            "skip": lambda: review.skip(number),
            "leave-out": lambda: review.leave_out(number),
        }
        if action not in actions:
            raise ConfigError([Fault("action", f"must be one of {', '.join(actions)}, not '{action[:40]}'")])
        return actions[action]()

    def search_clips(
        self, dataset: str, words: str = "", clip: int | None = None, bundle: str = "", count: int = 20
    ) -> list[dict[str, Any]]:
        """Find the clips of a data set that are nearest to words, or to another of its clips.

        Args:
            dataset: the name of the data set; every clip of it is looked at once before.
            words: a label or a sentence, as the text tower of zero-shot CLIP reads it.
            clip: in place of words, the id of a clip of the data set.
            bundle: the bundle's key whose backbone is to look; empty for the studio's default backbone.
            count: how many to list, 200 at most.

        Returns:
            id: the clip, for review_clip.
            file: its name.
            label: the label that it is under.
            score: the cosine, at most 1; the nearest come first.

        Raises:
            DatasetError: there is no such data set or clip, or no words.
        """
        of, most = self._studio.datasets.called(dataset).id, min(int(count), MOST_LISTED)
        self._studio.looks.look(of, bundle)
        review = self._studio.review
        found = review.search(of, words, bundle, count=most) if clip is None else None
        nearest = review.similar(of, int(clip), bundle, count=most) if clip is not None else found or []
        return [one.to_dict() for one in nearest]
