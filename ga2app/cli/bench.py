"""``bench``: measurements that print a table."""

from __future__ import annotations

import argparse

from ga2app.cli import common


def add(commands: common.Commands) -> None:
    """Register the command and its kinds."""
    parser = commands.add_parser("bench", help="measure decoding")
    kinds = parser.add_subparsers(required=True, metavar="KIND")
    decode = kinds.add_parser("decode", help="which reader each clip takes, how many frames, how long")
    decode.add_argument("files", nargs="+", metavar="FILE", help="clips, or folders of clips")
    decode.add_argument("--frames", type=int, default=16, help="frames sampled from each clip (default 16)")
    common.add_json(decode)
    decode.set_defaults(run=run_decode)


def run_decode(args: argparse.Namespace) -> int:
    """Decode each file and print what it took."""
    from ga2app.cli.bench_decode import bench_decode, format_table

    rows = bench_decode(args.files, max(1, args.frames))
    if args.json:
        common.print_json({"clips": rows})
    else:
        print(format_table(rows))
    return 0
