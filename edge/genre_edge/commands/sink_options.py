"""Options for the places that records also go to, the same for listen and classify."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..console import complain
from ..settings.settings import Settings, Tables
from ..sinks import kinds

if TYPE_CHECKING:
    from ..health import Health


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of every kind of sink."""
    group = parser.add_argument_group("also send to")
    for kind in kinds.KINDS:
        kind.add_flags(group)


def output_flags(args: argparse.Namespace) -> Tables:
    """What those flags set, for settings.load; sections without a flag are left out.
    UsageError."""
    tables = {kind.section.name: kind.read_flags(args) for kind in kinds.KINDS}
    return {name: table for name, table in tables.items() if table}


def check_output_flags(args: argparse.Namespace, settings: Settings) -> None:
    """UsageError for flags that make no sense with the settings in force."""
    for kind in kinds.KINDS:
        kind.check_flags(args, settings.all_of(kind.section))


def report_sinks(health: Health) -> bool:
    """A line for each sink that lost something; True if one did."""
    lost = [entry for entry in health.sinks if entry.dropped or entry.failures]
    for entry in lost:
        failures = f"{entry.failures} failure{'' if entry.failures == 1 else 's'}"
        records = f"{entry.dropped} record{'' if entry.dropped == 1 else 's'} dropped"
        complain(f"{entry.name}: {failures}, {records}; last: {entry.trouble or '-'}")
    return bool(lost)
