"""
Many Functions on one control plane, beside Kyma's operator: `make bench-cluster ARGS="--sizes 300 1000"`.

Needs KUBEBUILDER_ASSETS (with kube-scheduler too) and metacontroller on PATH, and with --kyma CHECKOUT Kyma's operator
as kyma-serverless; builds kwok, which plays the nodes. Each controller has a control plane of its own, one after
the other. Seconds depend on the machine; ratios within a run and numbers of requests do not.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
os.environ["BUILDLESS_ALL"] = "1"  # builds kwok if it is not in the cache

import yaml
from support.cluster.control_plane import find_assets

from bench.cluster_kyma import Kyma
from bench.cluster_phases import PHASES, Run
from bench.cluster_systems import Buildless, System

Make = Callable[[Path], System]


def main() -> None:
    """Run every controller with every number of Functions, and print a table for each number."""
    args = parsed()
    if find_assets() is None:
        sys.exit("KUBEBUILDER_ASSETS does not name a directory with etcd, kube-apiserver ...")
    end_at_signals()
    for size in args.sizes:
        columns: dict[str, dict[str, str]] = {}
        for make in systems(args):
            with tempfile.TemporaryDirectory(prefix="bench-cluster-") as directory:
                name, rows = measured(make, Path(directory), size, args)
                columns[name] = rows
        print_table(size, columns)


def end_at_signals() -> None:
    """End at SIGTERM as at Ctrl-C: after all programs have ended."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    signal.signal(signal.SIGINT, signal.default_int_handler)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[300, 1000, 3000], help="(default: %(default)s)")
    parser.add_argument("--kyma", type=Path, help="checkout of kyma-project/serverless")
    parser.add_argument(
        "--variants", nargs="+", default=[recommended()], metavar="WORKERS:QPS[:no-pods]", help="(default: %(default)s)"
    )
    parser.add_argument("--phases", nargs="+", default=PHASES, choices=PHASES, help="(default: all)")
    parser.add_argument("--rest", type=float, default=300, help="seconds at rest (default: %(default)s)")
    parser.add_argument("--away", type=float, default=60, help="seconds without the hook (default: %(default)s)")
    return parser.parse_args()


def recommended() -> str:
    """Return the flags of metacontroller/values.yaml."""
    arguments = yaml.safe_load((ROOT / "metacontroller" / "values.yaml").read_text(encoding="utf-8"))["commandArgs"]
    flags = dict(argument.removeprefix("--").partition("=")[::2] for argument in arguments)
    return f"{flags['workers']}:{flags['client-go-qps']}"


def systems(args: argparse.Namespace) -> Iterator[Make]:
    for variant in args.variants:
        workers, qps, *rest = variant.split(":")
        yield partial(Buildless, workers=int(workers), qps=int(qps), pods=rest != ["no-pods"])
    if args.kyma:
        yield partial(Kyma, checkout=args.kyma)


def measured(make: Make, directory: Path, size: int, args: argparse.Namespace) -> tuple[str, dict[str, str]]:
    """Return the controller's name and its rows; all processes have ended."""
    system = make(directory)
    run = Run(system, size, args.rest, args.away)
    begin = time.monotonic()

    def show(text: str) -> None:
        print(f"{time.monotonic() - begin:6.0f} s  {text}", file=sys.stderr, flush=True)

    try:
        system.start(2 * size + 200)
        return system.name, run.run(args.phases, show)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # a second one would leave programs behind
        system.stop()
        end_at_signals()
        show(f"{system.name}: {dict(run.rows)}")


def print_table(size: int, columns: dict[str, dict[str, str]]) -> None:
    """Print a table in Markdown."""
    print(f"\n| {size:,} Functions | " + " | ".join(columns) + " |")
    print("| --- |" + " --- |" * len(columns))
    for row in dict.fromkeys(row for rows in columns.values() for row in rows):
        print(f"| {row} | " + " | ".join(rows.get(row, "-") for rows in columns.values()) + " |", flush=True)


if __name__ == "__main__":
    main()
