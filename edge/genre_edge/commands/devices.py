"""genre-edge devices: the microphones, with names that survive a reboot."""

from __future__ import annotations

import argparse
import json
from typing import Any

from ..errors import DeviceError
from .common import add_verbose_option

_EPILOG = """\
examples:
  genre-edge devices
  genre-edge devices --json | jq -r '.[].token'
  genre-edge --device usb:0d8c:013c

The token names the hardware. It stays the same after a reboot or replugging; the index does not.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.description = (
        "List every audio input: its token, rates and channels, and which one is the default."
    )
    parser.epilog = _EPILOG
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    add_verbose_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """List; the exit status is 1 when there is no input at all."""
    from ..live.devices import choose
    from ..live.portaudio import RATES, list_inputs, supported_rates

    devices, default_index = list_inputs(args.verbose)
    chosen, why = choose(devices, None, default_index) if devices else (None, "")
    found = [
        {
            "token": device.token,
            "index": device.index,
            "name": device.name,
            "channels": device.channels,
            "rates": supported_rates(device, sorted((22_050, *RATES)), args.verbose),
            "default": device is chosen,
            "why": why if device is chosen else None,
        }
        for device in devices
    ]
    if args.json:
        print(json.dumps(found, indent=1))
    elif not found:
        raise DeviceError(
            "no input device (is the microphone plugged in? 'genre-edge doctor' looks closer)"
        )
    else:
        for entry in found:
            _print(entry)
    return 0 if found else 1


def _print(entry: dict[str, Any]) -> None:
    rates = ", ".join(str(rate) for rate in entry["rates"]) or "busy or none"
    print(f"{'*' if entry['default'] else ' '} {entry['token']}")
    print(f"    {entry['index']}: {entry['name']}, {entry['channels']} channels, rates {rates}")
    if entry["default"]:
        print(f"    default: {entry['why']}")
