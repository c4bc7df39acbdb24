"""What fills the Train page in: a preset, a file, an earlier run, the address, and the browser's memory of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from ga2app.config import PRESETS, RunConfig, preset
from ga2app.config.settings_files import load_settings, settings_text
from ga2app.errors import ConfigError, DatasetError, StoreError, StudioError
from ga2app.web import address
from ga2app.web.components.backbone_field import backbone_info, choices
from ga2app.web.components.markup import notice, shortened
from ga2app.web.pages.train import train_settings as form
from ga2app.web.pages.train.train_layout import TrainLayout
from ga2app.web.pages.train.train_view import dataset_choices, datasets_html, faults_html, run_choices

_NAMED = ("from", "hard_prompt", "dataset")


class TrainFilling(TrainLayout):
    """Handlers that fill the page in: they take their inputs by component and give updates alike."""

    def fill_preset(self, given: Mapping[Any, Any]) -> dict[Any, Any]:
        """The preset as it fits the backbone, and every setting as it fills it; what anchors were chosen stays."""
        name, backbone = given[self.preset], given[self.backbone] or ""
        offered: dict[str, Any] = {"choices": form.preset_choices(backbone)}
        if not name:
            return {self.preset: gr.update(**offered)}
        chosen = self.asked_for(given).settings
        kept = {path: chosen[path] for path in ("anchors", "negatives")}
        return {
            self.preset: gr.update(info=form.preset_info(name, backbone), **offered),
            self.form: self.form_value(preset(name, backbone), **kept),
        }

    def fill(self, config: RunConfig, source: str, said: str = "", *, dataset: bool = True) -> dict[Any, Any]:
        """Everything as ``config`` has it, and a word on where it comes from: ``source``."""
        missing: list[str] = []
        updates: dict[Any, Any] = {}
        if dataset and config.dataset not in {name for _, name in dataset_choices(self.studio)}:
            missing.append(f"its data set '{config.dataset}' is not here, so choose one")
        elif dataset:
            updates[self.dataset] = gr.update(value=[config.dataset])
            updates[self.card] = datasets_html(self.studio, [config.dataset])
        if self.studio.has_backbone(config.backbone):
            info = backbone_info(config.backbone, self.studio)
            updates[self.backbone] = gr.update(choices=choices(self.studio), value=config.backbone, info=info)
        else:
            missing.append(f"its backbone '{config.backbone}' is not on this machine, so choose one, or fetch it")
        text = said or f"The settings are those of {source}" + (f"; {'; '.join(missing)}." if missing else ".")
        info = f"Filled in from {source}. Choose a preset to start afresh."
        return updates | {
            self.preset: gr.update(value=None, info=info, choices=form.preset_choices(config.backbone)),
            self.seeds: str(config.seed),
            self.form: self.form_value(config),
            self.file_told: {"html": notice("warning" if missing and not said else "success", text)},
        }

    def fill_run(self, run_id: int | None) -> dict[Any, Any]:
        """The page as an earlier run had it, or why it cannot be filled in."""
        return (
            self._told(lambda: self.fill(self.training.settings_of(int(run_id)), f"run {run_id}"))
            if run_id
            else {self.file_told: gr.skip()}
        )

    def fill_file(self, path: str) -> dict[Any, Any]:
        """The page as a file has it, or every fault in that."""
        return self._told(lambda: self.fill(load_settings(path), "the file"))

    def save_file(self, given: Mapping[Any, Any]) -> dict[Any, Any]:
        """The settings on the page as a file: those of the first run, whether it could run here or not."""
        return self._told(
            lambda: {self.file_told: {"html": "", "save": settings_text(self.training.config(self.asked_for(given)))}}
        )

    def _told(self, act: Callable[[], Mapping[Any, Any]]) -> dict[Any, Any]:
        """What ``act`` gives, or its faults."""
        try:
            return dict(act())
        except ConfigError as exc:
            return {self.file_told: {"html": faults_html(exc.faults)}}
        except StudioError as exc:
            return {self.file_told: {"html": notice("error", str(exc))}}

    def open_page(self, given: Mapping[Any, Any], request: gr.Request) -> dict[Any, Any]:
        """The page as the browser left it, then what the address asks for, unless that was done before a reload."""
        memory, named = given[self.memory], ((name, address.text(request, name)) for name in _NAMED)
        asked = "&".join(f"{name}={said}" for name, said in named if said)
        kept = isinstance(memory, Mapping) and memory.get("asked") == asked != ""
        if kept and given.get(self.arrived) == "reload":
            text = "What you have changed since stays. To start afresh, choose a preset or an earlier run."
            fresh = {self.file_told: {"html": notice("info", text, "Filled in before, as the address says.")}}
        else:
            fresh = self._told(lambda: self._of_address(request))
        listed = gr.update(choices=run_choices(self.studio), value=None)
        return {**self._recalled(memory), self.opened: asked or "nothing", self.earlier: listed, **fresh}

    def _of_address(self, request: gr.Request) -> dict[Any, Any]:
        """``?from=run-7``, ``?hard_prompt=KEY``, ``?dataset=3``. Raises StudioError for what nobody has."""
        run, bundle, dataset = (address.text(request, name) for name in _NAMED)
        if run:
            numbered = re.fullmatch(r"(?:run-)?(\d{1,9})", run)
            if numbered is None:
                raise StoreError(f"'{shortened(run)}' names no run; an address ends with ?from=run-7, for example")
            return self.fill_run(int(numbered[1]))
        if bundle:
            config, title = self.training.coupled_to(bundle)
            said = (
                f"'{title}' is the hard prompt, the settings are those of Quick; change what you like, then queue it."
            )
            return self.fill(config, f"bundle '{title}'", said, dataset=False)
        if dataset:
            name = self.studio.store.datasets.names().get(address.whole(dataset))
            if name is None:
                raise DatasetError(f"there is no data set {shortened(dataset)}; choose one from the list")
            listed = gr.update(choices=dataset_choices(self.studio), value=[name])
            return {self.dataset: listed, self.card: datasets_html(self.studio, [name])}
        return {}

    def _recalled(self, memory: object) -> dict[Any, Any]:
        """The page as ``memory`` has it. A data set or backbone that is gone, and values of another kind, stay out."""
        kept: Mapping[str, Any] = memory if isinstance(memory, Mapping) else {}
        listed = dataset_choices(self.studio)
        names = [name for _, name in listed]
        said = kept.get("datasets")
        datasets = [name for name in said if name in names] if isinstance(said, list) else []
        datasets = datasets or names[:1]
        updates: dict[Any, Any] = {
            self.dataset: gr.update(choices=listed, value=datasets),
            self.card: datasets_html(self.studio, datasets),
        }
        if not kept:
            return updates
        known = [choice.name for choice in self.studio.backbones()]
        backbone = next((name for name in known if name == kept.get("backbone")), known[0])
        chosen = next((name for name in PRESETS if name == kept.get("preset")), None)
        said, start = kept.get("values"), preset(chosen or PRESETS[0], backbone)
        values = said if isinstance(said, Mapping) else {}
        fitting = {
            setting.path: values[setting.path]
            for setting in form.SETTINGS
            if setting.path in values and form.fits(setting, values[setting.path])
        }
        left = "Filled in as you left it. Choose a preset to start afresh."
        info = form.preset_info(chosen, backbone) if chosen else left
        return updates | {
            self.backbone: gr.update(
                choices=choices(self.studio), value=backbone, info=backbone_info(backbone, self.studio)
            ),
            self.preset: gr.update(value=chosen, info=info, choices=form.preset_choices(backbone)),
            self.form: self.form_value(start, **fitting),
            self.seeds: _text(kept.get("seeds")),
            self.name: _text(kept.get("name")),
        }


def _text(value: object) -> Any:
    return value if isinstance(value, str) else gr.skip()
