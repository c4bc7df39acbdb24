"""Small random towers as transformers saves them, and their features with prompts, from the library's own layers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import torch
import transformers
from torch import Tensor
from torch.nn import functional
from transformers import (
    AutoTokenizer,
    GemmaTokenizer,
    MetaClip2Config,
    MetaClip2Model,
    PreTrainedModel,
    SiglipConfig,
    SiglipModel,
    XLMRobertaTokenizer,
)

from ga2app.clip import load_backbone
from ga2app.clip.files import CLASSES
from ga2app.config import PromptConfig
from ga2app.method.prompted_model import PromptedClip
from ga2app.method.prompts import PromptLearner

NAMES = ["walking", "waving a hand", "reading"]
POSITIONS, SIDE, VISUAL, TEXT = 24, 32, 32, 32
WORDS = "a person video of walking running jumping dancing swimming reading playing the hand waving".split()


def make_siglip(folder: Path) -> Path:
    """With the tokenizer of SigLIP 2, cased, whose padding is 0 and whose end is 1."""
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


def make_metaclip(folder: Path) -> Path:
    """A MetaCLIP 2 with a Unigram tokenizer of letters and some words, whose end is 2, as in the released ones."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ."
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -9.0), ("▁walking", -2.0)]
    pieces += [("▁a", -2.5), ("ing", -3.0), *((letter, -8.0) for letter in letters), ("<mask>", 0.0)]
    tokenizer = XLMRobertaTokenizer(vocab=pieces)
    tokenizer.save_pretrained(folder)
    shape = {"num_hidden_layers": 3, "num_attention_heads": 2, "hidden_act": "gelu"}
    text = {"hidden_size": 24, "intermediate_size": 48, "vocab_size": len(tokenizer), "max_position_embeddings": 77}
    text |= {"bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1, **shape}
    vision = {"hidden_size": 32, "intermediate_size": 64, "image_size": 32, "patch_size": 8, **shape}
    torch.manual_seed(0)
    clip = MetaClip2Model(MetaClip2Config(text_config=text, vision_config=vision, projection_dim=16))
    for name, weight in clip.named_parameters():  # so large that each of them shows
        if "norm" not in name and weight.dim():
            weight.data.normal_(std=0.3)
    clip.save_pretrained(folder)
    return folder


def siglip_ids(folder: Path, texts: list[str]) -> Tensor:
    """As the model card says: lower-cased, padded to the full length, without a mask."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    small = [text.lower() for text in texts]
    ids: Tensor = tokenizer(small, padding="max_length", max_length=POSITIONS, return_tensors="pt")["input_ids"]
    return ids


def siglip_reference(
    library: SiglipModel, folder: Path, prompts: PromptLearner, pixels: Tensor
) -> tuple[Tensor, Tensor]:
    """Clip and text features, from the library's own layers, prompts put in between them."""
    length, text, vision = prompts.config.length, library.text_model, library.vision_model
    ids = siglip_ids(folder, [f"{name}." for name in NAMES])
    ids = torch.cat([torch.zeros(len(ids), length, dtype=torch.long), ids[:, :-length]], dim=1)
    hidden, context = text.embeddings.token_embedding(ids), prompts.context()
    if context is not None:
        hidden[:, :length] = context
    hidden = hidden + text.embeddings.position_embedding.weight
    for depth, layer in enumerate(text.encoder.layers):
        if 0 < depth <= len(prompts.text_prompts()):
            hidden[:, :length] = prompts.text_prompts()[depth - 1]
        hidden = layer(hidden, None)
    texts = text.head(text.final_layer_norm(hidden)[:, -1])
    seen, sets = vision.embeddings(pixels.flatten(0, 1)), prompts.visual_prompts()
    hidden = torch.cat([seen, sets[0].expand(len(seen), -1, -1)], dim=1)
    for depth, layer in enumerate(vision.encoder.layers):
        if 0 < depth < len(sets):
            hidden[:, -length:] = sets[depth]
        hidden = layer(hidden, None)
    frames = vision.head(vision.post_layernorm(hidden[:, :-length])).unflatten(0, pixels.shape[:2])
    return functional.normalize(frames.mean(dim=1), dim=-1), functional.normalize(texts, dim=-1)


def metaclip_texts(clip: PreTrainedModel, folder: Path, texts: list[str]) -> Tensor:
    """Text features of a MetaCLIP 2, padded to all positions."""
    ids = AutoTokenizer.from_pretrained(folder)(texts, padding="max_length", max_length=77, return_tensors="pt")
    with torch.no_grad():
        features: Tensor = clip.get_text_features(input_ids=ids["input_ids"]).pooler_output
    return functional.normalize(features, dim=-1)


def metaclip_reference(
    library: MetaClip2Model, folder: Path, prompts: PromptLearner, pixels: Tensor
) -> tuple[Tensor, Tensor]:
    """As ``siglip_reference``."""
    length = prompts.config.length
    tokens = AutoTokenizer.from_pretrained(folder)
    rows = [[0, *[2] * length, *tokens(f"{name}.", add_special_tokens=False)["input_ids"], 2] for name in NAMES]
    ids = torch.full((len(rows), 77), 1)
    for row, found in zip(ids, rows, strict=True):
        row[: len(found)] = torch.tensor(found)
    ends = torch.tensor([len(row) - 1 for row in rows])
    context, text, vision = prompts.context(), library.text_model, library.vision_model
    assert context is not None
    words = text.embeddings.token_embedding(ids)
    words[:, 1 : 1 + length] = context
    hidden = words + text.embeddings.position_embedding.weight
    mask = torch.full((77, 77), float("-inf")).triu(1)[None, None]
    for depth, layer in enumerate(text.encoder.layers):
        if 0 < depth <= len(prompts.text_prompts()):
            hidden[:, 1 : 1 + length] = prompts.text_prompts()[depth - 1]
        hidden = layer(hidden, mask)
    texts = library.text_projection(text.final_layer_norm(hidden)[torch.arange(len(ids)), ends])
    seen, sets = vision.embeddings(pixels.flatten(0, 1)), prompts.visual_prompts()
    hidden = vision.pre_layrnorm(torch.cat([seen, sets[0].expand(len(seen), -1, -1)], dim=1))
    for depth, layer in enumerate(vision.encoder.layers):
        if 0 < depth < len(sets):
            hidden[:, -length:] = sets[depth]
        hidden = layer(hidden, None)
    frames = library.visual_projection(vision.post_layernorm(hidden[:, 0])).unflatten(0, pixels.shape[:2])
    return functional.normalize(frames.mean(dim=1), dim=-1), functional.normalize(texts, dim=-1)


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


def tower_rows(folder: Path) -> Iterator[str]:
    """Rows in Markdown: a tower, its class, and the largest differences from it without prompts and with them."""
    yield "| backbone | `model_type`, class of transformers | frames, texts | with prompts: clips, texts |"
    yield "|---|---|---|---|"
    makers = {"MetaCLIP 2": make_metaclip, "SigLIP 2, fixed size": make_siglip}
    for title, make in makers.items():
        place = make(folder / title)
        backbone, pixels = load_backbone(place, device="cpu"), some_pixels()
        kind = json.loads((place / "config.json").read_text())["model_type"]
        library = getattr(transformers, CLASSES[kind]).from_pretrained(place).eval().requires_grad_(False)
        siglip = kind == "siglip"
        frames = backbone.encode_frames(pixels[0]) - library.get_image_features(pixel_values=pixels[0]).pooler_output
        if siglip:
            wanted = functional.normalize(library.get_text_features(siglip_ids(place, NAMES)).pooler_output, dim=-1)
        else:
            wanted = metaclip_texts(library, place, NAMES)
        texts = backbone.text_features(NAMES) - wanted
        sizes = backbone.sizes
        prompts = learner(
            PromptConfig(length=4, visual_depth=2, text_depth=3, coupled=False), sizes.visual_width, sizes.text_width
        )
        found = PromptedClip(backbone, prompts, NAMES).eval()(pixels)
        clips, classes = (siglip_reference if siglip else metaclip_reference)(library, place, prompts, pixels)
        apart = (frames, texts, found.clip_features - clips, found.class_features - classes)
        told = [f"{float(one.abs().max()):.0e}" for one in apart]
        yield f"| {title} | `{kind}`, `{CLASSES[kind]}` | {told[0]}, {told[1]} | {told[2]}, {told[3]} |"
