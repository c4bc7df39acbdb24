"""``/hub``: data sets to the Hugging Face Hub and from it, as ``videofolder``; ``?id=3`` chooses one to push."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from ga2app.datasets import Missing
from ga2app.errors import DatasetError, counted
from ga2app.services.hub_datasets import MEGABYTES, HubSource, size_of
from ga2app.services.studio import Studio
from ga2app.store.import_records import ImportRow
from ga2app.types import LICENSES, ByteProgress, HubOffer, Pushed, PushOptions
from ga2app.web import address
from ga2app.web.components.form_fields import line, pick, small
from ga2app.web.components.hub_panels import Goods, Supply, build_pull, build_push
from ga2app.web.components.markup import notice, size
from ga2app.web.components.masthead import Page
from ga2app.web.events import in_turn
from ga2app.web.theme import part

_ABOUT = (
    '<p><a class="small button" href="./datasets">Back to the data sets</a></p>'
    '<p class="legend">A data set goes as a <em>videofolder</em>: a folder for training and one for testing, each with '
    "its clips and a table of their labels. The library <code>datasets</code> reads it: "
    '<code>load_dataset("you/name")</code>.</p>'
)


def build_hub_sets(studio: Studio, page: Page) -> None:
    """Lay the page out and connect it."""
    part(_ABOUT)
    with gr.Row():
        chosen = pick("hub-set", "Data set to push", [], None)
    with gr.Row(elem_classes="actions changes"):
        opens = small("hub-push", "Push to the Hub", interactive=False)  # until the list above it is filled
    # What the page fills in when it opens would close the panel that is open already.
    build_push(studio, goods_of_sets(studio), chosen, opens, prefix="set-", closes=chosen.input)
    told = part(elem_id="hub-answer")
    build_pull(studio, supply_of_sets(studio, told), [told], prefix="set-")

    def open_page(request: gr.Request) -> Any:
        sets = [(row.name, row.id) for row in studio.datasets.all()]
        asked = address.number(request, "id")
        known = asked if asked in dict(sets).values() else None
        value = known or (sets[-1][1] if sets else None)
        return [gr.Dropdown(choices=sets, value=value), gr.Button(interactive=bool(sets))]

    page.on_open(open_page, None, [chosen, opens], **in_turn("hub"))


def goods_of_sets(studio: Studio) -> Goods:
    """The data set with a number, its clips and tables."""

    def number(chosen: Any) -> int:
        if not chosen:
            raise DatasetError("there is no data set to push; import clips on Datasets first")
        return int(chosen)

    def title(chosen: Any) -> str:
        files = studio.hub_datasets.files(number(chosen)).values()
        much = f"{counted(len(files), 'file')}, {size(sum(map(size_of, files)))}"
        return f"{studio.datasets.summary(number(chosen)).name} ({much})"

    def ticks() -> Sequence[Any]:
        licenses = [("None named", ""), *((name, name) for name in LICENSES if name != "other")]
        return (
            pick("set-license", "License of the clips", licenses, "", "What others may do with them is yours to say."),
        )

    def push(chosen: Any, options: PushOptions, along: Sequence[Any], **how: Any) -> Pushed:
        return studio.hub_datasets.push(number(chosen), replace(options, license=along[0] or ""), **how)

    return Goods(title, lambda chosen, account: studio.hub_datasets.repo_of(number(chosen), account), push, ticks)


def supply_of_sets(studio: Studio, told: Any) -> Supply:
    """Data sets of the Hub, which are imported as they are downloaded."""

    def pull(
        offer: HubOffer, along: Sequence[Any], *, token: str | None = None, progress: ByteProgress | None = None
    ) -> ImportRow:
        def tick(stage: str, done: int, total: int) -> None:
            if progress and stage == MEGABYTES:
                progress(done * 1_000_000, total * 1_000_000)

        row = studio.imports.run(HubSource(offer, token), str(along[0] or ""), missing=Missing.SKIP, tick=tick)
        if row.state != "done":
            raise DatasetError(row.error or "the import has failed")
        return row

    def welcome(row: ImportRow) -> dict[Any, Any]:
        report = row.report or {}
        said = f"{counted(report['clips'], 'clip')}: {report['train']} for training, {report['test']} for testing."
        left = sum(flaw["kind"] == "left out" for flaw in report["flaws"])
        more = f" {counted(left, 'clip')} left out; the report on Datasets says why." if left else ""
        link = f'<p><a class="small button" href="./datasets?id={int(report["dataset_id"])}">Open it</a></p>'
        title = f"'{row.name}' is here."
        return {told: notice("warning" if left else "success", said + more, title) + link}

    return Supply(
        example="user/data-set",
        about="Its clips, its tables and its README are downloaded, nothing else.",
        find=lambda repo, **asked: studio.hub_datasets.find(repo, **asked).offer,
        pull=pull,
        welcome=welcome,
        ticks=lambda: (line("set-name", "Name of the data set", "Left empty: that of the repository."),),
    )
