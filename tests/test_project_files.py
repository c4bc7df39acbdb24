"""The files around the code: the citation can be read by machines, versions agree, links and commands exist."""

from __future__ import annotations

import datetime
import re
import tomllib
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ga2app.paths import PROJECT
from tools.lock_requirements import LOCK, TOOLS_LOCK

PACKAGE = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CHANGELOG = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
CONTRIBUTING = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
TEXTS = ["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/api.md", "docs/operations.md"]

# Of the schema of the Citation File Format 1.2.0: what must be there, and what may.
SOFTWARE_NEEDS = {"cff-version", "message", "title", "authors"}
SOFTWARE_MAY = SOFTWARE_NEEDS | {
    *("abstract", "type", "version", "date-released", "license", "keywords", "references", "identifiers"),
    *("commit", "contact", "doi", "license-url", "preferred-citation", "repository", "repository-code", "url"),
}
REFERENCE_NEEDS = {"type", "title", "authors"}


@pytest.fixture(scope="module")
def citation() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
    return found


def is_author(author: dict[str, str]) -> bool:
    """A person by given and family names, or an entity by its name."""
    keys = set(author)
    return keys == {"name"} or {"family-names", "given-names"} <= keys <= {"family-names", "given-names", "orcid"}


def test_the_citation_has_what_its_format_asks_for_and_nothing_that_it_does_not_know(citation: dict[str, Any]):
    assert citation["cff-version"] == "1.2.0" and citation["type"] == "software"
    assert SOFTWARE_NEEDS <= set(citation) <= SOFTWARE_MAY
    assert citation["authors"] and all(is_author(author) for author in citation["authors"])
    assert isinstance(citation["date-released"], datetime.date)
    assert citation["license"] == PACKAGE["license"]


def test_the_paper_is_cited_by_title_authors_and_identifier(citation: dict[str, Any]):
    (paper,) = citation["references"]
    assert REFERENCE_NEEDS <= set(paper) and paper["type"] == "article"
    assert paper["title"].startswith("GA2-CLIP: Generic Attribute Anchor for Efficient Prompt Tuning")
    assert len(paper["authors"]) == 7 and all(is_author(author) for author in paper["authors"])
    assert re.fullmatch(r"10\.\d{4,9}/\S+", paper["doi"]) and paper["doi"].endswith("2511.22125")
    assert paper["url"] == "https://arxiv.org/abs/2511.22125"
    assert {one["type"] for one in paper["identifiers"]} <= {"doi", "url", "swh", "other"}
    assert paper["title"] in (PROJECT / "README.md").read_text(encoding="utf-8")


def test_one_version_is_named_everywhere(citation: dict[str, Any]):
    headings = re.findall(r"^## (.+)$", CHANGELOG, re.MULTILINE)
    assert headings[0] == "Unreleased"
    version, day = re.fullmatch(r"(\d+\.\d+\.\d+) \((\d{4}-\d\d-\d\d)\)", headings[1]).groups()  # type: ignore[union-attr]
    assert version == PACKAGE["version"] == str(citation["version"])
    assert day == citation["date-released"].isoformat()


@pytest.mark.parametrize("name", TEXTS)
def test_links_lead_somewhere(name: str):
    text = (PROJECT / name).read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w\- ]", "", line.lower()).strip().replace(" ", "-") for line in re.findall("^#+ (.*)$", text, re.M)
    }
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
        path, _, place = target.partition("#")
        assert not path or ((PROJECT / name).parent / path).exists(), target
        assert path or place in headings, target


def test_the_commands_and_files_that_contributing_names_exist():
    targets = set(re.findall(r"^([\w.]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"make (\w+)`|\$ make (\w+)", CONTRIBUTING))
    assert {first or second for first, second in named} <= targets
    files = {path for path in re.findall(r"`([\w./]+)`", CONTRIBUTING) if "/" in path}
    assert len(files) > 8 and [path for path in files if not (PROJECT / path).exists()] == []
    rooms = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| [\w ]+ \| (.*) \| .*\|$", CONTRIBUTING, re.MULTILINE)[:8]))
    package = PROJECT / "ga2app"
    assert [room for room in rooms if not ((package / room).is_dir() or (package / f"{room}.py").is_file())] == []


def test_every_requirement_is_locked_to_a_version_that_it_allows_with_hashes():
    locked: dict[str, list[str]] = {}
    for file in (LOCK, TOOLS_LOCK):
        entries = re.findall(r"^[^\s#].*(?:\n +--hash=.*)*$", file.read_text(encoding="utf-8"), re.MULTILINE)
        assert entries and all("--hash=sha256:" in entry for entry in entries)
        for entry in entries:
            pinned = Requirement(entry.partition("\\")[0])
            (only,) = pinned.specifier
            locked.setdefault(canonicalize_name(pinned.name), []).append(only.version)
    texts = [(PROJECT / name).read_text() for name in ("requirements.txt", "tests/requirements.txt")]
    texts += [(PROJECT / f"requirements-{extra}.txt").read_text() for extra in ("mcp", "onnx", "trackers")]
    lines = [line.partition("#")[0].strip() for text in texts for line in text.splitlines()]
    wanted = [Requirement(line) for line in lines if line and not line.startswith("-r")]
    lacking = [
        str(one) for one in wanted if not any(map(one.specifier.contains, locked.get(canonicalize_name(one.name), [])))
    ]
    assert lacking == ["torch==2.13.0"], "make lock"


def test_each_promise_of_operations_names_a_test_that_there_is():
    promises = re.findall(
        r"`(tests/[\w/]+\.py)::(\w+)`", (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    )
    assert len(promises) > 20
    assert [one for one in promises if f"def {one[1]}(" not in (PROJECT / one[0]).read_text(encoding="utf-8")] == []
