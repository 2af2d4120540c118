"""The command line of the fuzzer."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter

from .run import fuzz
from .targets import TARGETS

_EPILOG = """\
examples:
  script/fuzz                                   an hour, all targets in turn
  script/fuzz --seconds 20                      20 s each
  script/fuzz bundle api --count 100000         so many inputs of two targets
  script/fuzz bundle --first 4711 --count 1     one finding again
"""


def main() -> int:
    """Run; returns the exit status: 1 if an input failed."""
    parser = argparse.ArgumentParser(
        prog="script/fuzz",
        description="Try damaged and hostile inputs at every boundary of the program. Whatever is "
        "raised that is none of\nits own errors is a failure, and so are a crash, a hang and an "
        "error of more than one line.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first")
    parser.add_argument("--count", type=int, metavar="N", help="inputs of each target")
    parser.add_argument("--seconds", type=float, metavar="S", help="time for each target")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    args = parser.parse_args()
    unknown = [name for name in args.targets if name not in TARGETS]
    if unknown:
        parser.error(f"no target {unknown[0]}; there are: {', '.join(TARGETS)}")
    chosen = [TARGETS[name] for name in args.targets or TARGETS]
    seconds = args.seconds
    if seconds is None:
        seconds = float("inf") if args.count else 3600 / len(chosen)
    failed = False
    for target in chosen:
        report = fuzz(target, args.first, args.count or 1 << 60, seconds, args.jobs)
        for number, how in report.wrong[:50]:
            print(f"{target.name} {number}: {how}")
        kinds = Counter(how[:60] for _, how in report.wrong)
        print(
            f"{target.name}: {report.tried} inputs in {report.seconds:.0f} s, "
            f"{len(report.wrong)} failed {dict(kinds) or ''}, {report.growth} KB more in the end",
            flush=True,
        )
        failed |= bool(report.wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
