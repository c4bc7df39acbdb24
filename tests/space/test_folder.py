"""The folder that makes a Space: what is in it, and what it refuses to overwrite."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from ga2app.cli.main import main
from ga2app.errors import SpaceError
from ga2app.paths import PROJECT
from ga2app.services.space_folder import make_space


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which nothing has run yet."""
    return make_space(tmp_path_factory.mktemp("fresh") / "studio").folder


def front_matter(folder: Path) -> dict[str, Any]:
    """What the Hub reads of the README."""
    found = re.match(r"---\n(.*?)\n---\n", (folder / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found
    parsed: dict[str, Any] = yaml.safe_load(found[1])
    return parsed


def test_it_holds_what_a_space_needs_and_nothing_else(made: Path) -> None:
    files = {path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()}
    assert {"README.md", "app.py", "requirements.txt", "packages.txt", "LICENSE", ".gitattributes"} <= files
    assert {"assets/sketch-clip/model.safetensors", "assets/sketch-hard-prompt/bundle.json"} <= files
    assert {"prompts_db/negatives.csv", "ga2app/web/base.css", "ga2app/worker/__main__.py"} <= files
    assert not [
        name for name in files if re.search(r"^tests/|^docs/|assets/pictures|__pycache__|\.pyc$|prompts_db/live/", name)
    ]
    assert sum((made / name).stat().st_size for name in files) < 12e6


def test_its_readme_tells_the_hub_how_to_run_it(made: Path) -> None:
    front = front_matter(made)
    assert (front["sdk"], front["sdk_version"], front["app_file"]) == ("gradio", version("gradio"), "app.py")
    assert front["license"] == "apache-2.0" and front["python_version"].startswith("3.12")
    assert front["hf_oauth"] is True and front["hf_oauth_scopes"] == ["contribute-repos"]
    assert 30 <= front["hf_oauth_expiration_minutes"] <= 43200 and len(front["short_description"]) <= 60
    assert "preload_from_hub" not in front and "models" not in front


def test_a_clip_can_go_into_its_image(tmp_path: Path) -> None:
    made = make_space(tmp_path / "space", title='A "title": with # marks', clip="openai/clip-vit-base-patch16")
    front = front_matter(made.folder)
    assert front["title"] == 'A "title": with # marks' and front["models"] == ["openai/clip-vit-base-patch16"]
    (preloaded,) = front["preload_from_hub"]
    repo, files = preloaded.split(" ")
    assert repo == "openai/clip-vit-base-patch16"
    assert "model.safetensors" in files.split(",") and not re.search(r"\.bin|\.pt|\.msgpack|\.h5", files)


def test_system_packages_are_bare_names(made: Path) -> None:
    lines = (made / "packages.txt").read_text().splitlines()
    assert lines and all(re.fullmatch(r"[a-z0-9][a-z0-9+.-]*", line) for line in lines)


def test_its_requirements_are_the_projects_own_with_sign_in(made: Path) -> None:
    text = (made / "requirements.txt").read_text()
    assert text.startswith((PROJECT / "requirements.txt").read_text())
    assert re.search(r"^gradio\[oauth\]", text, re.MULTILINE) and re.search(r"^spaces", text, re.MULTILINE)


@pytest.mark.parametrize("kept", ["notes.txt", ".git/HEAD"])
def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path, kept: str) -> None:
    file = tmp_path / "space" / kept
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    with pytest.raises(SpaceError, match="is not empty; name a folder that is new or empty"):
        make_space(tmp_path / "space")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file] and file.read_text() == "mine"


def test_a_file_and_the_package_itself_are_no_place_for_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(SpaceError, match="is a file"):
        make_space(tmp_path / "file")
    with pytest.raises(SpaceError, match="inside the app's own package"):
        make_space(PROJECT / "ga2app" / "space-folder")


@pytest.mark.parametrize("title", ["", "two\nlines", "x" * 61])
def test_a_title_is_one_short_line(tmp_path: Path, title: str) -> None:
    with pytest.raises(SpaceError, match="one line of 1 to 60 characters"):
        make_space(tmp_path / "space", title=title)


@pytest.mark.parametrize("clip", ["clip", "a/b/c", "../x", "a/b config.json\nsecret: 1", "http://a/b"])
def test_a_clip_is_named_by_its_repository(tmp_path: Path, clip: str) -> None:
    with pytest.raises(SpaceError, match="is not a repository on the Hub"):
        make_space(tmp_path / "space", clip=clip)


def test_nothing_is_left_behind_where_it_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file where a folder would be needed")
    with pytest.raises(SpaceError, match="could not be written"):
        make_space(tmp_path / "blocked" / "space")
    assert [path.name for path in tmp_path.iterdir()] == ["blocked"]


def test_the_command_makes_it_and_says_how_to_publish_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["space", str(tmp_path / "empty"), "--title", "Our actions"]) == 0
    said = capsys.readouterr().out
    assert "hf repos create" in said and "hf upload" in said
    assert front_matter(tmp_path / "empty")["title"] == "Our actions"
    assert main(["space", str(tmp_path / "second"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert Path(told["folder"]) == tmp_path / "second" and told["files"] > 100
    assert main(["space", str(tmp_path / "second")]) == 1
    assert capsys.readouterr().err.startswith("error: ")
