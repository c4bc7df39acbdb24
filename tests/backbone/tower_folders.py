"""Small random towers as transformers saves them, and their features with prompts, from the library's own layers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import (
    AutoTokenizer,
    CLIPConfig,
    CLIPModel,
    GemmaTokenizer,
    MetaClip2Config,
    MetaClip2Model,
    PreTrainedModel,
    SiglipConfig,
    SiglipModel,
    T5Tokenizer,
    XLMRobertaTokenizer,
)

from ga2app.clip import Backbone, load_backbone
from ga2app.clip.files import CLASSES
from ga2app.clip.files.open_clip_config import OPEN_CLIP_CONFIG
from ga2app.config import PromptConfig
from ga2app.errors import BackboneError
from ga2app.method.prompts import PromptLearner
from tests.backbone.open_clip_folders import OpenClipReference, clip_tokenizer, make_open_clip

NAMES = ["walking", "waving a hand", "reading"]
POSITIONS, SIDE, VISUAL, TEXT = 64, 32, 32, 32
WORDS = "a person video of walking running jumping dancing swimming reading playing the hand waving".split()


def make_siglip(folder: Path) -> Path:
    """With the tokenizer of SigLIP 2, cased, whose padding is 0 and whose end is 1."""
    folder.mkdir(exist_ok=True)
    letters = [*"▁abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.'"]
    pieces = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *letters]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    merges = []
    for word in WORDS:
        made = word[0]
        for letter in word[1:]:
            if made + letter not in vocabulary:
                vocabulary[made + letter] = len(vocabulary)
                merges.append((made, letter))
            made += letter
    tokenizer = GemmaTokenizer(
        vocab=vocabulary, merges=merges, add_bos_token=False, add_eos_token=True, padding_side="right"
    )
    tokenizer.save_pretrained(folder)
    shape = {"num_hidden_layers": 3, "num_attention_heads": 2}
    text = {"hidden_size": TEXT, "intermediate_size": 48, "vocab_size": len(tokenizer), **shape}
    text |= {"max_position_embeddings": POSITIONS, "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2}
    text |= {"projection_size": VISUAL}
    vision = {"hidden_size": VISUAL, "intermediate_size": 64, "image_size": SIDE, "patch_size": 8, **shape}
    torch.manual_seed(0)
    model = SiglipModel(SiglipConfig(text_config=text, vision_config=vision))
    for name, weight in model.named_parameters():  # so large that each of them shows
        if "norm" not in name and weight.dim() > 1:
            weight.data.normal_(std=0.3)
    model.logit_scale.data.fill_(2.0)
    model.logit_bias.data.fill_(-5.0)
    model.save_pretrained(folder)
    square = {"height": SIDE, "width": SIDE}
    pictures = {"image_processor_type": "SiglipImageProcessor", "do_resize": True, "size": square, "resample": 3}
    pictures |= {"do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True}
    pictures |= {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(pictures))
    return folder


def make_clip(folder: Path) -> Path:
    """A CLIP as transformers saves it, with OpenAI's tokenizer of few words; the end is 2, as OpenAI's files say."""
    clip_tokenizer().save_pretrained(folder)
    return _make_clip(CLIPModel, CLIPConfig, folder, {"bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1})


def make_metaclip(folder: Path, *, mt5: bool = False) -> Path:
    """A MetaCLIP 2 with a Unigram tokenizer of letters and some words, with the special ids of the released ones.

    That of mT5 has no start token, and its padding is its end.
    """
    folder.mkdir(exist_ok=True)
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ."
    pieces = [("▁", -9.0), ("▁walking", -2.0), ("▁a", -2.5), ("ing", -3.0), *((letter, -8.0) for letter in letters)]
    ends = {"bos_token_id": None, "eos_token_id": 1, "pad_token_id": 1} if mt5 else {}
    if mt5:
        pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *pieces]
        T5Tokenizer(vocab=pieces, pad_token="</s>", extra_ids=0).save_pretrained(folder)
    else:
        pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *pieces, ("<mask>", 0.0)]
        XLMRobertaTokenizer(vocab=pieces).save_pretrained(folder)
    ends = ends or {"bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1}
    return _make_clip(MetaClip2Model, MetaClip2Config, folder, ends)


def _make_clip(model: Any, settings: Any, folder: Path, ends: dict[str, int | None]) -> Path:
    vocabulary = len(AutoTokenizer.from_pretrained(folder))
    shape = {"num_hidden_layers": 3, "num_attention_heads": 2, "hidden_act": "gelu"}
    text = {"hidden_size": 24, "intermediate_size": 48, "vocab_size": vocabulary, "max_position_embeddings": 77}
    text |= {**ends, **shape}
    vision = {"hidden_size": 32, "intermediate_size": 64, "image_size": 32, "patch_size": 8, **shape}
    torch.manual_seed(0)
    clip = model(settings(text_config=text, vision_config=vision, projection_dim=16))
    for name, weight in clip.named_parameters():  # so large that each of them shows
        if "norm" not in name and weight.dim():
            weight.data.normal_(std=0.3)
    clip.save_pretrained(folder)
    return folder


def siglip_ids(folder: Path, texts: Sequence[str]) -> Tensor:
    """As the model card says: lower-cased, padded to the full length, without a mask."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    small = [text.lower() for text in texts]
    ids: Tensor = tokenizer(small, padding="max_length", max_length=POSITIONS, return_tensors="pt")["input_ids"]
    return ids


def sentencepiece_tokenizer(folder: Path) -> int:
    """Write SigLIP's first tokenizer, whose padding is its end, into ``folder``; gives its entries."""
    import sentencepiece

    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([" ".join(WORDS), "the quick brown fox jumps over a lazy dog"] * 20),
        model_prefix=str(folder / "spiece"), vocab_size=36, hard_vocab_limit=False,
        unk_id=0, eos_id=1, bos_id=-1, pad_id=-1,
    )  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "SiglipTokenizer"}))
    return len(AutoTokenizer.from_pretrained(folder))


def resized(folder: Path, entries: int) -> Path:
    """The folder with random weights for a tokenizer of so many ``entries``, whose padding is its end, 1."""
    kind = json.loads((folder / "config.json").read_text())["model_type"]
    model: Any = {"siglip": SiglipModel, "metaclip_2": MetaClip2Model}[kind]
    config = model.config_class.from_pretrained(folder)
    config.text_config.vocab_size, config.text_config.pad_token_id = entries, 1
    model(config).save_pretrained(folder)
    return folder


class SiglipReference:
    """Features from transformers' own class; with prompts, from its own layers with the prompts put in between."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.library = folder, SiglipModel.from_pretrained(folder).eval().requires_grad_(False)

    def frames(self, pixels: Tensor, sets: Sequence[Tensor] = ()) -> Tensor:
        """Frame features (N, D); ``sets`` are prompts (P, Dv) of the first layers."""
        if not sets:
            found: Tensor = self.library.get_image_features(pixel_values=pixels).pooler_output
            return found
        vision = self.library.vision_model
        seen = vision.embeddings(pixels)
        hidden = torch.cat([seen, sets[0].expand(len(seen), -1, -1)], dim=1)
        hidden = _through(vision, hidden, sets, slice(seen.shape[1], None))
        return vision.head(vision.post_layernorm(hidden[:, : seen.shape[1]]))

    def texts(self, texts: Sequence[str], context: Tensor | None = None, sets: Sequence[Tensor] = ()) -> Tensor:
        """Text features (K, D) of length 1; ``context`` (P, Dt) and ``sets`` are prompts of the layers 0, 1, …."""
        ids, text = siglip_ids(self.folder, texts), self.library.text_model
        if context is None:
            return functional.normalize(self.library.get_text_features(ids).pooler_output, dim=-1)
        length = len(context)
        words = text.embeddings.token_embedding(ids[:, :-length])
        hidden = torch.cat([context.expand(len(ids), -1, -1), words], dim=1)
        hidden = hidden + text.embeddings.position_embedding.weight
        hidden = _through(text, hidden, [context, *sets], slice(0, length))
        return functional.normalize(text.head(text.final_layer_norm(hidden)[:, -1]), dim=-1)


class ClipReference:
    """As ``SiglipReference``, of a MetaCLIP 2; texts without a start token are padded to as many positions."""

    def __init__(self, folder: Path, model: type[PreTrainedModel] = MetaClip2Model) -> None:
        self.library = model.from_pretrained(folder).eval().requires_grad_(False)
        self.tokens = AutoTokenizer.from_pretrained(folder)

    def frames(self, pixels: Tensor, sets: Sequence[Tensor] = ()) -> Tensor:
        if not sets:
            found: Tensor = self.library.get_image_features(pixel_values=pixels).pooler_output
            return found
        vision = self.library.vision_model
        seen = vision.embeddings(pixels)
        hidden = vision.pre_layrnorm(torch.cat([seen, sets[0].expand(len(seen), -1, -1)], dim=1))
        hidden = _through(vision, hidden, sets, slice(seen.shape[1], None))
        return self.library.visual_projection(vision.post_layernorm(hidden[:, 0]))

    def texts(self, texts: Sequence[str], context: Tensor | None = None, sets: Sequence[Tensor] = ()) -> Tensor:
        text = self.library.text_model
        most = self.library.config.text_config.max_position_embeddings
        rows = [self.tokens(one)["input_ids"] for one in texts]
        length, lead = 0 if context is None else len(context), int(self.tokens.bos_token_id is not None)
        rows = [[*row[:lead], *[0] * length, *row[lead:]] for row in rows]
        pad = self.tokens.pad_token_id
        ids = torch.tensor([row + [pad] * (most - len(row)) for row in rows])
        if context is None:
            return functional.normalize(self.library.get_text_features(input_ids=ids).pooler_output, dim=-1)
        hidden = text.embeddings.token_embedding(ids)
        hidden[:, lead : lead + length] = context
        hidden = hidden + text.embeddings.position_embedding.weight
        mask = torch.full((most, most), float("-inf")).triu(1)[None, None]
        hidden = _through(text, hidden, [context, *sets], slice(lead, lead + length), mask)
        ended = text.final_layer_norm(hidden)[torch.arange(len(ids)), torch.tensor([len(row) - 1 for row in rows])]
        return functional.normalize(self.library.text_projection(ended), dim=-1)


def _through(tower: Any, hidden: Tensor, sets: Sequence[Tensor], place: slice, mask: Tensor | None = None) -> Tensor:
    """The library's layers; the ``sets`` but for the first, which is in ``hidden``, replace what is at ``place``."""
    for depth, layer in enumerate(tower.encoder.layers):
        if 0 < depth < len(sets):
            hidden = hidden.clone()
            hidden[:, place] = sets[depth]
        hidden = layer(hidden, mask)
    return hidden


def learner(config: PromptConfig, visual_width: int, text_width: int) -> PromptLearner:
    """Random prompts, so large that they show, that nothing trains."""
    generator = torch.Generator().manual_seed(2)
    made = PromptLearner(config, visual_width, text_width, generator=generator).eval().requires_grad_(False)
    for parameter in made.parameters():
        parameter.mul_(20)
    return made


def some_pixels() -> Tensor:
    """Two clips of three frames."""
    return torch.randn(2, 3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


@dataclass(frozen=True)
class Tower:
    """A tower in a small folder of the real format, and what computes its features beside ours."""

    title: str
    kind: str
    against: str
    make: Callable[[Path], Path]
    reference: Callable[[Path], Any]
    causal: bool = True

    @property
    def row(self) -> str:
        """How its row in the table begins."""
        return f"| {self.title} | `{self.kind}`, `{CLASSES[self.kind]}` | {self.against} |"


def _worldwide(folder: Path) -> Path:
    return make_open_clip("worldwide", folder, make_metaclip(folder.with_name(f"{folder.name} hf")))


def _open_siglip(folder: Path) -> Path:
    return make_open_clip("siglip", folder, make_siglip(folder.with_name(f"{folder.name} hf")))


_TIMM = "open_clip's arithmetic, written once more"
TOWERS = (
    Tower("CLIP", "clip", "transformers", make_clip, partial(ClipReference, model=CLIPModel)),
    Tower("MetaCLIP 2", "metaclip_2", "transformers", make_metaclip, ClipReference),
    Tower("MetaCLIP 2, mT5", "metaclip_2", "transformers", partial(make_metaclip, mt5=True), ClipReference),
    Tower("SigLIP 2, fixed size", "siglip", "transformers", make_siglip, SiglipReference, causal=False),
    Tower("open_clip, `CLIP`", "clip", _TIMM, partial(make_open_clip, "clip"), OpenClipReference),
    Tower("open_clip, `CLIP`, MetaCLIP 2", "metaclip_2", _TIMM, _worldwide, OpenClipReference),
    Tower("open_clip, `CustomTextCLIP`, SigLIP 2", "siglip", _TIMM, _open_siglip, OpenClipReference, causal=False),
)


def prompts_for(backbone: Backbone, depth: int, length: int = 4) -> tuple[list[Tensor], list[Tensor]]:
    """Random prompts of ``depth`` layers of both towers, so large that they show."""
    generator = torch.Generator().manual_seed(2)
    widths = (backbone.sizes.visual_width, backbone.sizes.text_width)
    visual, text = ([0.5 * torch.randn(length, w, generator=generator) for _ in range(depth)] for w in widths)
    return visual, text


@torch.no_grad()
def differences(tower: Tower, folder: Path, backbone: Backbone, depth: int = 0) -> tuple[float, float]:
    """The largest of frame and of text features, without prompts or with those of ``depth`` layers."""
    reference, pixels = tower.reference(folder), some_pixels()[0]
    visual, text = prompts_for(backbone, depth)
    context = text[0] if depth else None
    tokens = backbone.tokenize(NAMES, 4 if depth else 0)
    frames = backbone.encode_frames(pixels, visual) - reference.frames(pixels, visual)
    texts = backbone.encode_text(tokens, context, text[1:]) - reference.texts(NAMES, context, text[1:])
    return float(frames.abs().max()), float(texts.abs().max())


def _open(part: str, **settings: Any) -> Callable[[Path], None]:
    """Makes an open_clip folder of ``folder`` whose configuration says ``settings``."""

    def make(folder: Path) -> None:
        make_open_clip("siglip", folder, make_siglip(folder.with_name(f"{folder.name} hf")))
        told = json.loads((folder / OPEN_CLIP_CONFIG).read_text())
        told["model_cfg"].setdefault(part, {}).update(settings)
        (folder / OPEN_CLIP_CONFIG).write_text(json.dumps(told))

    return make


def _typed(kind: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        config = json.loads((make_metaclip(folder) / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {"model_type": kind}))

    return make


REFUSED: dict[str, Callable[[Path], None]] = {
    "SigLIP 2 NaFlex": _typed("siglip2"),
    "ChineseCLIP": _typed("chinese_clip"),
    "AltCLIP": _typed("altclip"),
    "a MetaCLIP 2 called `clip`": _typed("clip"),
    "Perception Encoder": _open("vision_cfg", timm_model_name="vit_pe_core_base_patch16_224"),
    "open_clip, a text tower of Hugging Face": _open("text_cfg", hf_model_name="roberta-base"),
    "open_clip, another tower of timm": _open("vision_cfg", timm_model_name="vit_base_patch16_siglip_gap_224"),
    "open_clip, CoCa": _open("multimodal_cfg", layers=12),
    "open_clip, a setting that is not known": _open("text_cfg", ls_init_value=0.1),
}


def tower_rows(folder: Path) -> Iterator[str]:
    """Rows in Markdown: a tower, what it is read as, and the largest differences without prompts and with them."""
    yield "| backbone | read as | tested against | frames, texts | with prompts |"
    yield "|---|---|---|---|---|"
    for number, tower in enumerate(TOWERS):
        (place := folder / str(number)).mkdir()
        tower.make(place)
        backbone = load_backbone(place, device="cpu")
        told = [f"{one:.0e}" for depth in (0, 2) for one in differences(tower, place, backbone, depth)]
        yield f"{tower.row} {told[0]}, {told[1]} | {told[2]}, {told[3]} |"
    yield from refused_rows(folder)


def refused_rows(folder: Path) -> Iterator[str]:
    """Rows of what is refused and why, each from a folder that was tried."""
    for number, (title, make) in enumerate(REFUSED.items()):
        (place := folder / f"refused {number}").mkdir()
        make(place)
        try:
            load_backbone(place, device="cpu")
        except BackboneError as exc:
            told = str(exc).partition("; ")[0]
            start = next(start for start in ("cannot be used: ", "' is ", "': ") if start in told)
            yield f"| {title} | refused | | | {told.partition(start)[2]} |"
