"""genre-convert sign: who vouches for a bundle."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from genre_edge.ed25519 import make_key
from genre_edge.errors import Fault, UsageError
from genre_edge.files import ready_file
from genre_edge.model.bundle import find_model, sign_bundle

_EPILOG = """\
examples:
  genre-convert sign --make-key key.pem                  once; prints the public key
  genre-convert sign mine.int8.tflite --key key.pem      the bundle itself gets the signature
  genre-edge listen --model mine.int8.tflite --trusted-keys ed25519:...
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="genre-convert sign",
        description="Sign a bundle (Ed25519), so that devices can refuse all others "
        "([model] trusted_keys).",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("bundle", nargs="?", metavar="BUNDLE", help="the bundle")
    top.add_argument("--key", type=Path, metavar="FILE", help="the private key, PEM")
    top.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="the signed bundle (default: BUNDLE)"
    )
    top.add_argument("--make-key", type=Path, metavar="FILE", help="write a new private key")
    return top


def run(args: argparse.Namespace) -> int:
    """Sign, or make a key; returns the exit status."""
    if args.make_key is not None:
        return _make_key(args.make_key)
    if args.bundle is None or args.key is None:
        raise UsageError("give BUNDLE and --key FILE, or --make-key FILE")
    try:
        private_key = args.key.read_bytes()
    except OSError as error:
        raise UsageError(Fault("key", args.key, f"{error.strerror}")) from None
    target = ready_file(args.output, "output") if args.output else Path(args.bundle)
    try:
        public = sign_bundle(find_model(args.bundle), target, private_key)
    except UsageError as error:
        raise UsageError(Fault("key", args.key, str(error))) from None
    print(f"signed: {target}\nby {public}")
    return 0


def _make_key(path: Path) -> int:
    private, public = make_key()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            file.write(private)
    except OSError as error:
        raise UsageError(Fault("make_key", path, f"{error.strerror}")) from None
    print(f"written: {path} (keep it secret)\npublic key: {public}")
    return 0
