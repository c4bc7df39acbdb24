"""What docs/api.md lists of the library says its arguments, its answer and its errors, and has an example that runs."""

from __future__ import annotations

import doctest
import inspect
import re
import shutil
from pathlib import Path
from typing import Any

import api_document
import pytest

from ga2app.paths import SKETCH_HARD_PROMPT
from ga2app.synthetic.demo_dataset import subject_named, write_drawn_clip
from tests.hub_server import LoopbackHub

OBJECTS = api_document.public_objects()
CALLED = OBJECTS | {
    f"{name}.{own}": member
    for name, thing in OBJECTS.items()
    for own, member in api_document.members(thing).items()
    if not isinstance(member, property)
}
SHORT = [
    name
    for name, thing in CALLED.items()
    if name.rsplit(".", 1)[-1] in ("to_dict", "with_threshold", "with_rules", "address")
]


@pytest.fixture
def _prepared(loopback_hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the examples take as given: a clip and a bundle in the folder, and a Hub with a bundle."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    shutil.copytree(SKETCH_HARD_PROMPT, "bundle")
    write_drawn_clip(tmp_path / "clip.mp4", subject_named("jumping"), "plain", 3)
    loopback_hub.add("alice/walls", files={path.name: path.read_bytes() for path in Path("bundle").iterdir()})


@pytest.mark.parametrize("name", [name for name in CALLED if name not in SHORT])
def test_a_public_name_explains_each_argument_and_what_it_gives(name: str):
    text, thing = inspect.getdoc(CALLED[name]) or "", CALLED[name]
    signature = inspect.signature(thing)
    explained = re.findall(r"^    (\w+): ", text.partition("Args:\n")[2].partition("\n\n")[0], re.MULTILINE)
    assert explained == [one for one in signature.parameters if one not in ("self", "cls")]
    if not inspect.isclass(thing):
        assert "\n\nReturns:\n    " in text and "\n\nRaises:\n    " in text
    assert "\n\nExample:\n    >>> " in text


@pytest.mark.parametrize("name", SHORT)
def test_a_short_method_says_in_a_sentence_what_it_gives(name: str):
    assert (inspect.getdoc(CALLED[name]) or "").endswith(".")


@pytest.mark.documents
@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the Hub client's own
@pytest.mark.usefixtures("_prepared")
def test_the_examples_of_the_docstrings_give_what_they_show():
    told: list[str] = []
    runner, parser = doctest.DocTestRunner(verbose=False), doctest.DocTestParser()
    for name, thing in CALLED.items():
        example = parser.get_doctest(inspect.getdoc(thing) or "", {}, name, None, None)
        runner.run(example, out=told.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(told)


def test_sections_become_lists_and_code():
    def add(a: int) -> int:
        """Add one.

        Args:
            a: a number, with a long
                explanation.

        Returns:
            The sum.

        Raises:
            ValueError: never.

        Example:
            >>> 1 + 1
            2
        """
        return a + 1

    rendered: Any = api_document._rendered(add)
    assert rendered == (
        "Add one.\n\nArguments:\n\n- `a`: a number, with a long explanation.\n\nReturns: The sum.\n\n"
        "Errors:\n\n- `ValueError`: never.\n\n```pycon\n>>> 1 + 1\n2\n```"
    )
