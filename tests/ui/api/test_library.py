"""The endpoints of the library, called by a client on a live server."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from ..studios import BASE, Served, add_bundle, add_dataset, keep_bundle


def test_bundles_are_found_with_what_they_are(client: Client, served: Served) -> None:
    keep_bundle(served.studio, "lasso", backbone="elsewhere")
    add_bundle(served.studio, "vanished", name="vanished lasso")
    gone, kept = client.predict("lasso", api_name="/list_bundles")
    assert (kept["bundle"], kept["usable"], kept["base"], kept["seed"]) == ("lasso", False, list(BASE), 1024)
    assert (kept["metrics"]["hm"], kept["zero_shot"]["hm"]) == (72.0, 67.4)
    assert (gone["name"], gone["origin"], gone["usable"]) == ("vanished lasso", "trained", False)
    assert client.predict("lasso", "elsewhere", api_name="/list_bundles") == [kept]
    assert client.predict("lasso", "", 1, 1, api_name="/list_bundles") == [kept]


def test_a_bundle_goes_down_and_comes_up_again(client: Client, served: Served) -> None:
    keep_bundle(served.studio, "travels")
    archive = client.predict("travels", api_name="/download_bundle")
    assert Path(archive).name == "travels.zip" and set(zipfile.ZipFile(archive).namelist()) == {
        "bundle.json",
        "prompts.safetensors",
        "README.md",
    }
    answer = client.predict(handle_file(archive), api_name="/upload_bundle")
    assert (answer["bundle"], answer["new"]) == ("travels", False)
    served.studio.store.bundles.delete(str(served.studio.home.bundles / "travels"))
    assert client.predict(handle_file(archive), api_name="/upload_bundle")["new"] is True


def test_what_cannot_be_served_or_kept_says_why(client: Client, served: Served, tmp_path: Path) -> None:
    with pytest.raises(AppError, match="there is no bundle '../../etc' in the library"):
        client.predict("../../etc", api_name="/download_bundle")
    with pytest.raises(AppError, match="no bundle is chosen"):
        client.predict("", api_name="/download_bundle")
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("weights.pt", b"")
    before = served.studio.store.bundles.count()
    with pytest.raises(AppError, match="'weights.pt' may run code when it is opened"):
        client.predict(handle_file(tmp_path / "evil.zip"), api_name="/upload_bundle")
    assert served.studio.store.bundles.count() == before


def test_data_sets_are_listed(client: Client, served: Served) -> None:
    add_dataset(served.studio, "for programs")
    (found,) = [row for row in client.predict(api_name="/list_datasets") if row["name"] == "for programs"]
    assert (found["base"], found["training_clips"], found["test_clips"]) == (list(BASE), 4, 4)
    served.studio.store.datasets.delete("for programs")
