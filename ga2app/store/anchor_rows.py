"""What lists show of anchor sets and negative prompts, and how these were rated against labels by a backbone."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ga2app.store.database import Database
from ga2app.untrusted import stored_json

KEEP_QUESTIONS = 30
"""Ratings of older questions are forgotten."""

CLIP_SUBJECT = "ifnull('sha256:' || digest, 'file:' || path)"
"""What names a row of ``anchor_clips`` in ``anchor_ratings``: its content where that is known, else its file."""

TEXT_SUBJECT = "'text:' || text"
"""What names a row of ``negatives`` in ``anchor_ratings``."""


@dataclass(frozen=True)
class Rating:
    """``value`` is the irrelevance of a clip, or the cosine of a text, to the labels; ``nearest`` is one of them.

    ``warned`` says that the clip looks relevant, or that the text lies too close to a label.
    """

    value: float
    nearest: str
    warned: bool = False


def kept_rating(value: float | None, nearest: str, warned: int) -> Rating | None:
    """The rating in a row, None where there is none."""
    return None if value is None else Rating(value, nearest, bool(warned))


@dataclass(frozen=True)
class Question:
    """Labels and the backbone that rates against them. ``source`` is the data set whose labels they are, if any.

    ``comparable`` is False if this backbone's irrelevance only ranks clips; None while nothing has been rated.
    """

    id: int
    labels: tuple[str, ...]
    backbone: str
    source: str = ""
    comparable: bool | None = None


class Ratings:
    """Questions that were asked, and the answers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, labels: Sequence[str], backbone: str) -> Question | None:
        """The question about just these labels, if it was asked before."""
        return self._one("AND labels = ? AND backbone = ?", _key(labels), backbone)

    def get(self, question: int) -> Question | None:
        """The question of that number, unless it was forgotten."""
        return self._one("AND id = ?", question)

    def last(self) -> Question | None:
        """The question that was asked last."""
        return self._one("ORDER BY asked_s DESC, id DESC LIMIT 1")

    def _one(self, which: str, *values: object) -> Question | None:
        row = self._database.row(f"{_SELECT} {which}", list(values))
        return _question(row) if row else None

    def ask(self, labels: Sequence[str], backbone: str, source: str = "") -> Question:
        """The question, kept as the last one that was asked; all but the newest are forgotten with their answers."""
        with self._database.write() as db:
            db.execute(
                "INSERT INTO anchor_questions (labels, backbone, source, asked_s, owner) "
                "VALUES (?, ?, ?, ?, visitor()) ON CONFLICT (owner, labels, backbone) "
                "DO UPDATE SET source = excluded.source, asked_s = excluded.asked_s",
                [_key(labels), backbone, source, time.time()],
            )
            db.execute(
                "DELETE FROM anchor_questions WHERE id IN (SELECT id FROM anchor_questions WHERE owner = visitor() "
                "ORDER BY asked_s DESC, id DESC LIMIT -1 OFFSET ?)",
                [KEEP_QUESTIONS],
            )
            row = db.execute(f"{_SELECT} AND labels = ? AND backbone = ?", [_key(labels), backbone]).fetchone()
        return _question(row)

    def keep_clips(self, question: int, ratings: Mapping[str, Rating], *, comparable: bool) -> None:
        """Keep the ratings of anchor clips, by the clips' files, and whether they can be held against others'.

        A file that is in several sets is rated in all of them.
        """
        with self._database.write() as db:
            if not db.execute(
                "UPDATE anchor_questions SET comparable = ? WHERE id = ?", [int(comparable), question]
            ).rowcount:
                return
            for path, rating in ratings.items():
                db.execute(
                    "INSERT OR REPLACE INTO anchor_ratings (question_id, subject, value, nearest, warned) "
                    f"SELECT DISTINCT ?, {CLIP_SUBJECT}, ?, ?, ? FROM anchor_clips WHERE path = ?",
                    [question, rating.value, rating.nearest, int(rating.warned), self._database.to_stored(path)],
                )

    def keep_texts(self, question: int, ratings: Mapping[str, Rating]) -> None:
        """Keep the ratings of texts."""
        with self._database.write() as db:
            if not db.execute("SELECT 1 FROM anchor_questions WHERE id = ?", [question]).fetchone():
                return
            db.conn.executemany(
                "INSERT OR REPLACE INTO anchor_ratings (question_id, subject, value, nearest, warned) "
                "VALUES (?, 'text:' || ?, ?, ?, ?)",
                [(question, text, one.value, one.nearest, int(one.warned)) for text, one in ratings.items()],
            )


_SELECT = "SELECT id, labels, backbone, source, comparable FROM anchor_questions WHERE owner = visitor()"


def _key(labels: Sequence[str]) -> str:
    return json.dumps(list(labels), ensure_ascii=False)


def _question(row: Sequence[object]) -> Question:
    id_, labels, backbone, source, comparable = row
    kept = None if comparable is None else bool(comparable)
    return Question(int(str(id_)), tuple(stored_json(str(labels))), str(backbone), str(source), kept)


@dataclass(frozen=True)
class AnchorSetRow:
    """An anchor set as a list shows it: how many ``clips`` it has, and how many of them are switched on."""

    id: int
    name: str
    about: str
    clips: int
    enabled: int
    owner: str = ""
    shared: int = 0


@dataclass(frozen=True)
class AnchorFile:
    """A clip to be added: its file, its caption, what is known of its content, and whether it is switched on."""

    path: str
    caption: str = ""
    digest: str | None = None
    seconds: float | None = None
    frames: int | None = None
    width: int | None = None
    height: int | None = None
    enabled: bool = True


@dataclass(frozen=True)
class AnchorRow:
    """A clip of an anchor set, with its ``rating`` under the question asked, if it has been rated."""

    id: int
    path: str
    caption: str
    enabled: bool
    digest: str | None = None
    seconds: float | None = None
    rating: Rating | None = None


class AnchorOrder(StrEnum):
    """How a list of anchor clips is sorted. Clips that were not rated come last."""

    ADDED = "added"
    BEST = "best"
    WORST = "worst"


@dataclass(frozen=True)
class AddedClips:
    """How many clips went in, and which files were left out because their content is in the set already."""

    count: int
    doubles: tuple[str, ...] = ()


@dataclass(frozen=True)
class NegativeGroupRow:
    """A group of negative prompts as a list shows it: how many ``prompts``, and how many are switched on."""

    id: int
    name: str
    prompts: int
    enabled: int
    owner: str = ""
    shared: int = 0


@dataclass(frozen=True)
class NegativeRow:
    """A negative prompt, with its ``rating`` under the question asked, if it has been rated."""

    id: int
    group_id: int
    group: str
    text: str
    enabled: bool
    rating: Rating | None = None


@dataclass(frozen=True)
class NegativeEntry:
    """A prompt as a file holds it: by the name of its group."""

    group: str
    text: str
    enabled: bool = True


class NegativeOrder(StrEnum):
    """How a list of prompts is sorted. Prompts that were not rated come last."""

    ADDED = "added"
    TEXT = "text"
    CLOSEST = "closest"
    FARTHEST = "farthest"


@dataclass(frozen=True)
class AddedTexts:
    """What became of texts that were to be added: how many went in, and which were there already or came twice."""

    count: int
    doubles: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportedTexts:
    """What became of a file: prompts that are new, that were switched on or off, and that were there just so."""

    added: int
    switched: int
    same: int
