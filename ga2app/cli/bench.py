"""``bench``: measurements that print a table."""

from __future__ import annotations

import argparse

from ga2app.cli import bench_base2novel, common


def add(commands: common.Commands) -> None:
    """Register the command and its kinds."""
    parser = commands.add_parser("bench", help="measure methods, decoding, and what a newcomer waits for")
    kinds = parser.add_subparsers(required=True, metavar="KIND")
    decode = kinds.add_parser("decode", help="which reader each clip takes, how many frames, how long")
    decode.add_argument("files", nargs="+", metavar="FILE", help="clips, or folders of clips")
    decode.add_argument("--frames", type=int, default=16, help="frames sampled from each clip (default 16)")
    common.add_json(decode)
    decode.set_defaults(run=run_decode)
    studio = kinds.add_parser("studio", help="start of the app, Quick training of the demo, one recognition")
    studio.add_argument("--scale", action="store_true", help="how long each page opens with 200 runs and 2,000 clips")
    studio.add_argument("--epochs", type=int, help="of the training (default: those of the Quick preset)")
    common.add_json(studio)
    studio.set_defaults(run=run_studio)
    bench_base2novel.add(kinds)


def run_decode(args: argparse.Namespace) -> int:
    """Decode each file and print what it took."""
    from ga2app.cli.bench_decode import bench_decode, format_table

    rows = bench_decode(args.files, max(1, args.frames))
    if args.json:
        common.print_json({"clips": rows})
    else:
        print(format_table(rows))
    return 0


def run_studio(args: argparse.Namespace) -> int:
    """Start the app on a home of its own, train in it or open its pages, and print what it took."""
    common.need("gradio", "this measurement of the studio", "app")
    if args.scale:
        return _run_scale(args)
    from ga2app.cli.bench_studio import bench_studio, format_table

    seconds = bench_studio(args.epochs)
    if args.json:
        common.print_json(seconds)
    else:
        print(format_table(seconds))
    return 0


def _run_scale(args: argparse.Namespace) -> int:
    from ga2app.cli.bench_scale import bench_scale, format_table

    found = bench_scale()
    if args.json:
        common.print_json(found)
    else:
        print(format_table(found))
    return 0
