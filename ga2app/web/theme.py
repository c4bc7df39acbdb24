"""How the studio looks: theme and style sheet. They go to ``launch``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.themes.utils import colors, fonts, sizes

WEB = Path(__file__).parent
FAVICON = Path(__file__).with_name("favicon.svg")
CONTROLS_SCRIPT = Path(__file__).with_name("accessible_controls.js")

_INK = colors.Color(
    name="ink",
    c50="#f7f7f4",
    c100="#efefea",
    c200="#e0e0d9",
    c300="#c9c9c1",
    c400="#9a9c96",
    c500="#6c706c",
    c600="#50554f",
    c700="#363b38",
    c800="#232827",
    c900="#191d1d",
    c950="#111414",
)

_TEAL = colors.Color(
    name="studio",
    c50="#eef8f6",
    c100="#d5eeea",
    c200="#abdcd5",
    c300="#78c3b9",
    c400="#44a498",
    c500="#23877c",
    c600="#146c63",
    c700="#125850",
    c800="#124742",
    c900="#113b37",
    c950="#052321",
)

_EDGE, _EDGE_DARK = "#878b86", "#6f7773"
"""Edges of fields: at least 3 : 1 against the field and what it lies on."""
_TEAL_DARK = "#1e7a70"
"""The primary button in the dark: white on it has 5.1 : 1."""


_LOOK: dict[str, tuple[str, ...]] = {
    "body_background_fill": ("*neutral_50", "*neutral_950"),
    "body_text_color": ("*neutral_900", "*neutral_100"),
    "body_text_color_subdued": ("*neutral_500", "*neutral_400"),
    "background_fill_primary": ("#ffffff", "*neutral_900"),
    "background_fill_secondary": ("*neutral_100", "*neutral_800"),
    "border_color_primary": ("*neutral_200", "#2f3634"),
    "block_background_fill": ("#ffffff", "*neutral_900"),
    "block_border_width": ("1px",),
    "block_shadow": ("none", "none"),
    "block_title_text_weight": ("600",),
    "block_title_text_color": ("*neutral_800", "*neutral_100"),
    "block_label_background_fill": ("transparent", "transparent"),
    "block_label_border_width": ("0px", "0px"),
    "block_label_shadow": ("none",),
    "block_label_text_weight": ("600",),
    "block_label_text_color": ("*neutral_800", "*neutral_100"),
    "block_info_text_color": ("*neutral_500", "*neutral_400"),
    "block_info_text_size": ("13px",),
    "input_background_fill": ("*neutral_50", "*neutral_950"),
    "input_border_width": ("1px",),
    "input_border_color": (_EDGE, _EDGE_DARK),
    "input_placeholder_color": ("*neutral_500", "*neutral_400"),
    "input_border_color_focus": ("*primary_500", "*primary_400"),
    "button_primary_background_fill": ("*primary_600", _TEAL_DARK),
    "button_primary_background_fill_hover": ("*primary_700", "*primary_600"),
    "button_primary_text_color": ("#ffffff", "#ffffff"),
    "button_secondary_background_fill": ("#ffffff", "*neutral_800"),
    "button_secondary_background_fill_hover": ("*neutral_100",),
    "button_secondary_border_color": ("*neutral_300", "#3a4240"),
    "button_border_width": ("1px",),
    "button_large_text_weight": ("600",),
    "checkbox_border_color": (_EDGE, _EDGE_DARK),
    "checkbox_label_background_fill_selected": ("*primary_50", "*primary_900"),
    "checkbox_label_border_color_selected": ("*primary_500",),
    "checkbox_label_text_color_selected": ("*primary_800", "*primary_100"),
    "link_text_color": ("*primary_700", "*primary_300"),
}
"""Gradio's variables: the value, and that of the dark where there is another."""


def studio_theme() -> gr.themes.Base:
    """A quiet page of paper and ink with one accent.

    The fonts come with Gradio, nothing is fetched. Of these two the weights named are whole; the files of the
    others hold a few letters only.
    """
    theme = gr.themes.Base(
        primary_hue=_TEAL,
        secondary_hue=_TEAL,
        neutral_hue=_INK,
        radius_size=sizes.radius_md,
        text_size=sizes.text_md,
        spacing_size=sizes.spacing_md,
        font=[fonts.LocalFont("Source Sans Pro", weights=(400, 700)), "ui-sans-serif", "system-ui", "sans-serif"],
        font_mono=[fonts.LocalFont("IBM Plex Mono", weights=(400, 700)), "ui-monospace", "monospace"],
    )
    return theme.set(
        **{
            f"{name}{end}": value
            for name, both in _LOOK.items()
            for end, value in zip(("", "_dark"), both, strict=False)
        }
    )


def style_sheet() -> str:
    """The whole style sheet: ``base.css``, then those of the components and of the pages."""
    parts = sorted(path for path in WEB.rglob("*.css") if path.name != "base.css")
    return "\n".join(path.read_text(encoding="utf-8") for path in (WEB / "base.css", *parts))


def launch_look() -> dict[str, Any]:
    """The keyword arguments of ``launch`` that make the page look like the studio."""
    return {
        "theme": studio_theme(),
        "favicon_path": FAVICON,
        "footer_links": ["api"],  # without it nobody sees the endpoints; its place is the page's own footer
        "run_history": False,
        "ssr_mode": False,
    }


def controls_script() -> str:
    """What makes Gradio's controls work with a keyboard and a screen reader; runs once, in the masthead."""
    return CONTROLS_SCRIPT.read_text(encoding="utf-8")


def part(html: Any = "", **settings: Any) -> gr.HTML:
    """A piece of the page that the studio's own style sheet dresses, not Gradio's."""
    return gr.HTML(html, apply_default_css=False, **settings)


@contextmanager
def folded(label: str, **settings: Any) -> Iterator[gr.Accordion]:
    """A closed accordion whose content comes to the browser when it is opened first: what nobody opens costs nothing.

    Gradio fetches the scripts of all that may be seen, folded or not, and of nothing else.
    """
    with gr.Accordion(label, open=False, **settings) as accordion:
        yield accordion
    comes_with(accordion.expand, accordion)


def comes_with(event: Callable[..., object], block: gr.blocks.BlockContext) -> None:
    """Send the content of ``block`` to the browser at the first ``event``, as that a tab is chosen, and not before."""
    content = [one for one in _within(block) if one.visible is True]
    for shut in content:
        shut.visible = False
    shown = "{visible: true, __type__: 'update'}"
    script = f"() => [{', '.join([shown] * len(content))}]" if len(content) > 1 else f"() => ({shown})"
    event(None, None, content, js=script)


def _within(block: gr.blocks.BlockContext) -> Iterator[gr.components.Component]:
    for child in block.children:
        if isinstance(child, gr.blocks.BlockContext):
            yield from _within(child)
        elif isinstance(child, gr.components.Component) and not isinstance(child, gr.Timer | gr.State):
            yield child
