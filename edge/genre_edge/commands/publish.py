"""genre-edge publish: signed models and settings for devices that take updates."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Fault, UsageError

if TYPE_CHECKING:
    from ..sinks.mqtt.settings import MqttConfig
    from ..statement import BundleOffer, SettingValue

_EPILOG = """\
examples:
  genre-convert sign --make-key key.pem                             once; keep it secret
  genre-edge publish model new.int8.tflite --key key.pem --to mqtt://me@broker --devices kitchen
  genre-edge publish model new.int8.tflite --key key.pem --to mqtt://me@broker --note "more jazz"
  genre-edge publish model new.int8.tflite --key key.pem --to /srv/www/genre-edge
  genre-edge publish settings listen.smooth=5 listen.hours=07:00-22:00 --key key.pem --to ...
  genre-edge publish settings --revoke --key key.pem --to ...       what the devices' files say

Devices take what is signed with a key in their [update] trusted_keys (docs/updates.md).

exit status: 0 published: on the disk, or acknowledged by the broker; 1 not published, 2 wrong usage
"""
_LONGEST_VALID_DAYS = 3660.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.description = (
        "Sign a model, or settings, and put them where devices look for them: on an MQTT broker, "
        "or in a folder that a web server serves."
    )
    parser.epilog = _EPILOG
    what = parser.add_subparsers(title="what", metavar="model|settings", required=True)
    model = what.add_parser("model", help="a model", description="Publish a model.")
    model.add_argument("bundle", metavar="BUNDLE", help="a model file, or the name of a model")
    model.add_argument(
        "--at",
        metavar="URL",
        help="http(s) address where devices find the file; without it the file is published too",
    )
    model.set_defaults(run=_model)
    settings = what.add_parser(
        "settings",
        help="settings, in place of all that were published before",
        description="Publish settings that a listening program can change while it runs. They "
        "take the place of all that were published before.",
    )
    settings.add_argument(
        "values", nargs="*", metavar="SECTION.OPTION=VALUE", help="as in the configuration file"
    )
    settings.add_argument(
        "--revoke", action="store_true", help="take back what was published before"
    )
    settings.set_defaults(run=_settings)
    for one in (model, settings):
        _add_common(one)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key",
        type=Path,
        required=True,
        metavar="FILE",
        help="the private key, PEM (genre-convert sign --make-key FILE)",
    )
    parser.add_argument(
        "--to",
        required=True,
        metavar="WHERE",
        help="a folder, or mqtt[s]://[USER@]HOST[:PORT][/PREFIX][,KEY=VALUE] "
        "(keys: password-file=, ca=, cert=, key=)",
    )
    parser.add_argument(
        "--devices",
        nargs="+",
        default=["*"],
        metavar="NAME",
        help="names of devices; * and ? stand for other letters (default: all)",
    )
    parser.add_argument(
        "--valid-for",
        type=float,
        metavar="DAYS",
        help="not taken by devices that see it later",
    )
    parser.add_argument(
        "--serial",
        type=int,
        metavar="N",
        help="devices take no lower one afterwards (default: the milliseconds since 1970)",
    )
    parser.add_argument("--note", default="", metavar="TEXT", help="what is new, for people")


def _model(args: argparse.Namespace) -> int:
    """Publish a model; returns the exit status."""
    import hashlib

    from ..model.bundle import find_model, read_bundle
    from ..model.bundle_members import file_content
    from ..settings.credentials import split_address, without_credentials
    from ..statement import BundleOffer
    from ..update.topics import bundle_file, bundle_topic
    from ..update.web_transport import is_address

    path = find_model(args.bundle)
    name, content = read_bundle(path).info.name, file_content(path)
    sha256, config = hashlib.sha256(content).hexdigest(), _broker_of(args)
    where = bundle_file(sha256) if config is None else bundle_topic(config.prefix, sha256)
    if args.at is not None:
        if not is_address(args.at):
            raise UsageError(Fault("at", args.at, "must be an address, http:// or https://"))
        if "@" in split_address(args.at).netloc:  # everybody can read a statement
            reason = "must have no user and no password"
            raise UsageError(Fault("at", without_credentials(args.at), reason))
        where = args.at
    offer = BundleOffer(name, sha256, len(content), where)
    return _publish(args, config, None if args.at else content, bundle=offer)


def _settings(args: argparse.Namespace) -> int:
    """Publish settings; returns the exit status."""
    from ..update.setting_words import settings_of_words

    if bool(args.values) == args.revoke:
        raise UsageError("give SECTION.OPTION=VALUE, one or several, or --revoke")
    return _publish(args, _broker_of(args), None, settings=settings_of_words(args.values))


def _broker_of(args: argparse.Namespace) -> MqttConfig | None:
    """The broker that --to names; None for a folder."""
    if args.to.startswith(("mqtt://", "mqtts://")):
        from ..fleet.broker_address import parse_broker

        return parse_broker(args.to)
    if "://" in args.to:
        raise UsageError(Fault("to", args.to, "must be a folder, mqtt:// or mqtts://"))
    if not Path(args.to).is_dir():
        raise UsageError(Fault("to", args.to, "no such folder"))
    return None


def _publish(
    args: argparse.Namespace,
    config: MqttConfig | None,
    content: bytes | None,
    bundle: BundleOffer | None = None,
    settings: dict[str, SettingValue] | None = None,
) -> int:
    from ..ed25519 import public_key
    from ..statement import Statement, signed
    from ..text_files import MOST_SECRET_BYTES, read_text
    from ..update.publishing import Publication, publish_to_broker, publish_to_folder

    now = int(time.time())
    statement = Statement(
        serial=time.time_ns() // 1_000_000 if args.serial is None else args.serial,
        made=now,
        valid_until=_valid_until(args, now),
        devices=tuple(args.devices),
        note=args.note,
        bundle=bundle,
        settings=settings or {},
    )
    private = read_text(args.key, most=MOST_SECRET_BYTES).encode()
    try:
        key = public_key(private)
    except UsageError as error:
        raise UsageError(f"{args.key}: {error}") from None
    publication = Publication(statement, signed(statement, private), content, key)
    if config is None:
        places = publish_to_folder(publication, Path(args.to))
    else:
        places = publish_to_broker(publication, config)
    for place in places:
        print(f"published: {place}")
    print(f"serial {statement.serial}, signed by {key}")
    return 0


def _valid_until(args: argparse.Namespace, now: int) -> int | None:
    if args.valid_for is None:
        return None
    if not 0 < args.valid_for <= _LONGEST_VALID_DAYS:
        reason = f"must be more than 0 and at most {_LONGEST_VALID_DAYS:g} days"
        raise UsageError(Fault("valid_for", args.valid_for, reason))
    return now + int(args.valid_for * 86_400)
