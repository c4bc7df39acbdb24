"""Bundles to the Hub and from it in one call, for programs. The library in between is that of ``GA2_HOME``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ga2app.errors import BundleError
from ga2app.paths import Home, default_home
from ga2app.services.exchange import StudioExchange
from ga2app.store import Store
from ga2app.types import BundleCard, Pushed, PushOptions


def push(
    bundle: str | os.PathLike[str],
    repo: str = "",
    *,
    private: bool = True,
    license: str = "",
    report: bool = False,
    examples: Sequence[str | os.PathLike[str]] = (),
    rights: bool = False,
    onto: str = "",
) -> Pushed:
    """Push a bundle, by its folder or its name in the library, to ``repo`` on the Hub as one commit.

    ``repo`` is "user/name", or a name under the account that this machine is logged in with; without one the bundle
    goes to where it was pushed before, else to a name after its title. ``license`` is that of the prompts, by the
    Hub's name for it. The report of its run and ``examples`` (clips) go along only if ``rights`` confirms that you may
    publish them. ``onto`` is the commit of somebody else that the push shall go on top of. Raises BundleError,
    HubError; HubConflict where somebody else has pushed since.
    """
    home = default_home()
    with Store.open(home) as store:
        folder = listed_bundle(home, store, bundle)
        options = PushOptions(repo, private=private, rights=rights, onto=onto, license=license)
        clips = [Path(clip) for clip in examples]
        return StudioExchange(home, store).push_bundle(folder, options, report=report, examples=clips)


def pull(repo: str, *, revision: str = "") -> BundleCard:
    """Pull the bundle ``repo`` ("user/name" or its address) at ``revision`` into the library; gives its card.

    Only safetensors and JSON are fetched, and checked before they are kept; a bundle that is there already is not
    kept twice. Raises BundleError, HubError.
    """
    home = default_home()
    with Store.open(home) as store:
        exchange = StudioExchange(home, store)
        return exchange.pull_bundle(exchange.find_bundle(repo, revision=revision))[0]


def listed_bundle(home: Home, store: Store, bundle: str | os.PathLike[str]) -> str:
    """The folder of a bundle by its path or its name in the library; one that the library does not list is listed.

    Raises BundleError.
    """
    from ga2app.bundles import read_card

    folder, inside = Path(bundle), home.bundles / bundle
    place = (inside if not folder.is_dir() and inside.is_dir() else folder).resolve()
    if str(place) not in {card.folder for card in store.bundles.list()}:
        if not place.is_dir():
            raise BundleError(
                f"there is no bundle '{bundle}' in the library and no folder of that name; check the name"
            )
        store.bundles.admit(read_card(place, origin="imported"))
    return str(place)
