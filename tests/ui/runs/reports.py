"""Reports for tests of the screen: small ones, and one of four hundred classes."""

from __future__ import annotations

import base64
import io

from PIL import Image

from ga2app.services.studio import Studio
from ga2app.types import TOP5_LABELS, ChangedClip, GroupReport, LabelKind, MapPoint, ModelReport, Report, RunState

from ..studios import BASE, NOVEL, add_run


def picture() -> str:
    """A tiny JPEG in base64."""
    stream = io.BytesIO()
    Image.new("RGB", (16, 12), (20, 120, 90)).save(stream, "JPEG")
    return base64.b64encode(stream.getvalue()).decode()


def group(labels: tuple[str, ...], right: int, clips: int = 4) -> GroupReport:
    """``right`` of ``clips`` clips of each label are recognized, the others are taken for the label behind it."""
    cells = []
    for place in range(len(labels)):
        cells.append((place, place, right))
        if clips > right:
            cells.append((place, (place + 1) % len(labels), clips - right))
    top1 = 100 * right / clips
    top5 = None if len(labels) < TOP5_LABELS else 100.0
    return GroupReport(top1, top5, top1, clips * len(labels), dict.fromkeys(labels, top1), tuple(cells))


def model(base: tuple[str, ...], novel: tuple[str, ...], right: tuple[int, int]) -> ModelReport:
    groups = {"base": group(base, right[0]), "novel": group(novel, right[1]), "joint": group((*base, *novel), right[1])}
    metrics = {"base": groups["base"].top1, "novel": groups["novel"].top1, "hm": 60.0 + right[0]}
    return ModelReport(metrics, {**metrics, "all": 50.0}, groups)


def make_report(base: tuple[str, ...] = BASE, novel: tuple[str, ...] = NOVEL) -> Report:
    """A report with everything in it; names are taken as they are given."""
    points = [
        MapPoint("class", name, name, LabelKind.BASE, (0.1 * i, 0.2), (0.2, 0.1 * i)) for i, name in enumerate(base)
    ]
    points += [MapPoint("clip", f"{name}.mp4", name, LabelKind.NOVEL, (0.0, 0.1), (0.3, 0.3)) for name in novel]
    points += [MapPoint("anchor", "a wall", "", LabelKind.NEGATIVE, (1.0, 1.0), (1.0, 0.9))]
    points += [MapPoint("negative", "nothing", "", LabelKind.NEGATIVE, (9.0, 9.0), (9.0, 9.0))]
    changed = (
        ChangedClip(f"/secret/place/{base[0]}-1.mp4", base[0], LabelKind.BASE, base[1], base[0], picture()),
        ChangedClip(f"/secret/place/{novel[0]}-1.mp4", novel[0], LabelKind.NOVEL, novel[0], novel[-1]),
    )
    return Report(
        dataset="demo",
        backbone="sketch",
        seed=1024,
        shots=16,
        steps=40,
        base=base,
        novel=novel,
        plain=model(base, novel, (1, 3)),
        bundle=model(base, novel, (3, 2)),
        gained=1,
        lost=1,
        changed=changed,
        points=tuple(points),
        map_share=(30.0, 31.0),
        clips_mapped=len(novel),
        anchor_captions=("a wall",),
        negatives=("nothing",),
        packages={"torch": "2.13.0"},
    )


def add_reported_run(studio: Studio, report: Report | None = None) -> int:
    """A finished run with its report beside its log."""
    run_id = add_run(studio, RunState.DONE, steps=40, bundle=str(studio.home.bundles / "tuned"))
    (studio.home.run_folder(run_id) / "report.json").write_text((report or make_report()).to_json(), encoding="utf-8")
    return run_id
