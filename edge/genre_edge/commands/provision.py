"""genre-edge provision: many devices made ready for one broker."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..sinks import kinds
from ..text_files import read_text

if TYPE_CHECKING:
    from ..provision.folder import Done
    from ..provision.names import Wanted

_EPILOG = """\
examples:
  genre-edge provision --to fleet --broker mqtts://broker.example.org kitchen cellar
  genre-edge provision --to fleet --template common.toml --devices devices.csv
  genre-edge provision --to fleet --revoke cellar

fleet/ then holds
  devices/NAME/genre-edge.toml   the device's configuration, for service install --config
  devices/NAME/mqtt-password     its password, for /etc/genre-edge.secrets/mqtt-password there
  services/USER/mqtt-password    for collector, alerts, publisher (genre-edge collect, alerts,
                                 publish) and homeassistant
  mosquitto/passwords, acl       for the broker: password_file and acl_file of mosquitto.conf

No password is printed. Passwords that are there stay, and a second run changes nothing.
"""
_COMMON = "# Made by genre-edge provision.\n"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.description = (
        "Make many devices ready for one MQTT broker (Mosquitto): a password and a configuration "
        "for each, and the broker's files, by which a device can write its own topics alone."
    )
    parser.epilog = _EPILOG
    parser.add_argument("names", nargs="*", metavar="NAME", help="names of devices")
    parser.add_argument(
        "--to", type=Path, required=True, metavar="DIR", help="the fleet's folder; keep it secret"
    )
    parser.add_argument(
        "--devices",
        type=Path,
        metavar="FILE",
        help="more names: a text file with one a line, or CSV with the column name; other columns "
        "are settings, such as microphone.device",
    )
    parser.add_argument(
        "--template",
        type=Path,
        metavar="FILE",
        help="the configuration (TOML) that all devices have in common",
    )
    parser.add_argument(
        "--broker",
        default="",
        metavar="URL",
        help="mqtt[s]://HOST[:PORT][/PREFIX]; without it mqtt.url of the template",
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="also write configurations anew that are there and differ",
    )
    parser.add_argument(
        "--revoke",
        action="append",
        default=[],
        metavar="NAME",
        help="let a device in no more: its password, its rights and its files are removed",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the folder; returns the exit status."""
    from ..provision.device_file import checked, make_device
    from ..provision.folder import FleetFolder
    from ..provision.names import Wanted, check_names, read_names
    from ..provision.rights import FLEET, SERVICES
    from ..settings.source_table import topic_of

    wanted = [Wanted(name) for name in args.names]
    if args.devices is not None:
        wanted += read_names(args.devices)
    if not wanted and not args.revoke:
        raise UsageError("name devices, or give --devices FILE or --revoke NAME")
    check_names(wanted, (*SERVICES, FLEET))
    revoked = [topic_of(name) for name in args.revoke]
    both = next((one.name for one in wanted if one.user in revoked), None)
    if both is not None:
        raise UsageError(f"--revoke {both}: is also a device to be made ready")
    sections = kinds.sections()
    common = _common(args, wanted)
    if args.template is not None:
        checked(common, args.template, sections)
    folder = FleetFolder(args.to)
    made = {}
    for one in wanted:
        name, there = folder.config_of(one.user), folder.devices.get(one.user)
        made[one.user] = make_device(one, common, args.broker, name, there, sections)
    _tell(folder.change(made, revoked, args.replace), args)
    return 0


def _common(args: argparse.Namespace, wanted: list[Wanted]) -> str:
    if args.template is not None:
        return read_text(args.template)
    if wanted and not args.broker:
        raise UsageError("name the broker: --broker mqtts://HOST, or mqtt.url in a --template")
    return _COMMON


def _tell(done: Done, args: argparse.Namespace) -> None:
    for what, users in (("new", done.new), ("written anew", done.renewed)):
        for user in users:
            print(f"{user}: {what}")
    for user in done.differ:
        print(f"{user}: kept, though it is not what was asked for; --replace writes it anew")
    for user in done.revoked:
        print(f"{user}: revoked")
    devices = f"{done.devices} device{'' if done.devices == 1 else 's'} in {args.to}"
    if not done.changed:
        print(f"{devices}: nothing has changed")
        return
    print(devices)
    if {path.parent.name for path in done.changed} & {"mosquitto"}:
        print(f"give the broker the files of {args.to / 'mosquitto'} and have it read them again")
