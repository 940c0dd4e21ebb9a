"""Random networks from the whole language, held against torch for as long as one likes.

    python tests/benchmarks/fuzz.py --minutes 10
    python tests/benchmarks/fuzz.py --seed 123456789      # one network again

Each network has a seed of its own; an odd one has hostile names. Exit status 1 if any
is at fault. The smallest example of each kind of fault is written to a folder.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.random_networks.campaign import (
    Report,
    campaign,
    save,
    small,
    try_seed,
)
from tests.random_networks.features import outline


def show(report: Report, *, every_feature: bool) -> None:
    share = 100 * report.accepted / max(report.drawn, 1)
    print(
        f"\n{report.drawn} networks drawn, {report.accepted} accepted ({share:.0f} %),"
        f" {report.seconds:.0f} s"
    )
    for code, count in report.refused.most_common():
        print(f"  {count:6}  refused: {code}")
    counts = report.features.most_common()
    shown = counts if every_feature else [c for c in counts if c[0][:3] != "op "]
    print("accepted networks with:")
    for feature, count in shown:
        print(f"  {count:6}  {feature}")
    faults = sum(report.kinds.values())
    print(f"\n{faults} at fault, of {len(report.kinds)} kinds")
    for kind, examples in report.examples().items():
        print(f"\n{report.kinds[kind]} x {kind}")
        for fault in examples:
            print(f"  seed {fault.seed} ({outline(fault.spec)})")
            print(f"  {json.dumps(fault.spec, ensure_ascii=False)}")
        for line in examples[0].detail.strip().splitlines()[-3:] if examples else ():
            print(f"  | {line[:150]}")


def replay(seed: int, *, shrinking: bool) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spec, verdict = try_seed(seed, folder)
        if verdict.kind is not None and shrinking:
            spec = small(seed, spec, verdict, folder).spec
    print(json.dumps(spec, ensure_ascii=False, indent=1))
    if not verdict.accepted:
        print("refused by check")
    elif verdict.kind is None:
        print("right")
    else:
        print(f"{verdict.kind}\n{verdict.detail}")
    return int(verdict.kind is not None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--count", type=int, help="networks instead of minutes")
    parser.add_argument("--seed", type=int, help="only the network of this seed")
    parser.add_argument("--shrink", action="store_true", help="with --seed")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folder", type=Path, help="where examples go")
    parser.add_argument("--ops", action="store_true", help="count each op too")
    names = parser.add_mutually_exclusive_group()
    names.add_argument("--hostile", action="store_true")
    names.add_argument("--plain", action="store_true")
    given = parser.parse_args()
    if given.seed is not None:
        return replay(given.seed, shrinking=given.shrink)
    report = campaign(
        minutes=given.minutes if given.count is None else 1e6,
        count=given.count,
        names="hostile" if given.hostile else "plain" if given.plain else "both",
        processes=given.processes,
    )
    show(report, every_feature=given.ops)
    if report.faults:
        folder = given.folder or Path(tempfile.mkdtemp(prefix="fuzz-"))
        save(report, folder)
        print(f"\nexamples are in {folder}")
    return int(bool(report.faults))


if __name__ == "__main__":
    sys.exit(main())
