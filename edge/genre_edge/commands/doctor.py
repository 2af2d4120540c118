"""genre-edge doctor: looks at everything that goes wrong on a device, and says what to
do about it."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from ..service.doctor import CHECKS, Finding
from ..settings.load import find_file, load
from ..settings.options import add_flags, given
from ..settings.tables import CaptureConfig
from .common import add_config_option, add_engine_options, add_verbose_option

_MARKS = {"ok": "ok  ", "warn": "WARN", "fail": "FAIL"}

_EPILOG = """\
examples:
  genre-edge doctor
  genre-edge doctor --device usb:0d8c:013c
  genre-edge doctor --json | jq '.[] | select(.status != "ok")'

exit status: 0 nothing failed (warnings may stand), 1 something failed
"""


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "doctor",
        help="check microphone, model and system, and say what to do",
        description="Check what commonly goes wrong, and say for each fault what to do.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_flags(parser, "microphone", CaptureConfig)
    parser.add_argument("--json", action="store_true", help="as one JSON array")
    add_engine_options(parser)
    add_config_option(parser)
    add_verbose_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check everything; returns the exit status."""
    findings: list[Finding] = []
    said = {name: given(args, name) for name in ("microphone", "model")}
    args.settings, _ = load(find_file(args.config), flags=said)
    for check in CHECKS:
        for finding in check(args):
            findings.append(finding)
            if not args.json:
                print(f"{_MARKS[finding.status]}  {finding.name:<12} {finding.text}", flush=True)
                if finding.remedy:
                    print(f"{'':18} -> {finding.remedy}", flush=True)
    if args.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    return 1 if any(finding.status == "fail" for finding in findings) else 0
