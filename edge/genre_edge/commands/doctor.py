"""genre-edge doctor: checks what commonly goes wrong, and says how to mend it."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from ..console import complain
from ..settings.options import add_flags, given
from ..settings.reader import SettingsReader
from ..settings.signed import SignedSettings, signed_file
from ..settings.tables import CaptureConfig
from ..sinks import kinds
from .common import add_config_option, add_engine_options, add_verbose_option

if TYPE_CHECKING:
    from ..service.finding import Finding

_MARKS = {"ok": "ok  ", "warn": "WARN", "fail": "FAIL"}

_EPILOG = """\
examples:
  genre-edge doctor
  genre-edge doctor --device usb:0d8c:013c
  genre-edge doctor --json | jq '.[] | select(.status != "ok")'

exit status: 0 nothing failed (there may be warnings), 1 something failed
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.description = "Check what commonly goes wrong, and say how to mend each fault."
    parser.epilog = _EPILOG
    add_flags(parser, "microphone", CaptureConfig)
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    add_engine_options(parser)
    add_config_option(parser)
    add_verbose_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check everything; returns the exit status."""
    from ..service.doctor import CHECKS

    findings: list[Finding] = []
    said = {name: given(args, name) for name in ("microphone", "model")}
    signed = SignedSettings(signed_file(), complain)
    settings = SettingsReader(kinds.sections(), args.config, said, signed=signed)()
    for check in CHECKS:
        for finding in check(settings, args.verbose):
            findings.append(finding)
            if not args.json:
                print(f"{_MARKS[finding.status]}  {finding.name:<12} {finding.text}", flush=True)
                if finding.remedy:
                    print(f"{'':18} -> {finding.remedy}", flush=True)
    if args.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    return 1 if any(finding.status == "fail" for finding in findings) else 0
