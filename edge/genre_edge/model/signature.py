"""Who vouches for a bundle: an Ed25519 signature (RFC 8032) in a member of its own.

It covers the metadata and the labels. The metadata has the SHA-256 of the flatbuffer,
so the network is covered too; so it does that of the negatives. A signed bundle holds
nothing else (`bundle_members.holds_nothing_else`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from ..ed25519 import fits, key_bytes, sign
from ..errors import BundleError, UsageError
from ..extras import install_line
from .bundle_members import LABELS, METADATA, SIGNATURE, parsed

_PURPOSE = b"genre-edge bundle, signature 1\0"
"""Begins what is signed, so that a signature made for something else fits nothing
here."""


def signer(name: str, members: Mapping[str, bytes]) -> str:
    """The public key that signed a bundle.

    Parameters
    ----------
    name
        What an error calls the file.
    members
        What `read_members` found.

    Returns
    -------
    str
        "ed25519:" and the key in Base64; empty where there is no signature, or where
        the package that checks one is not installed.

    Raises
    ------
    BundleError
        If the signature does not fit the bundle.
    """
    if SIGNATURE not in members:
        return ""
    try:
        described = parsed(members[SIGNATURE])
        key, signature = str(described["key"]), described["signature"]
        if fits(_message(members), key, signature):
            return key
    except ImportError:
        return ""
    except (KeyError, TypeError, ValueError):
        pass
    raise BundleError(f"{name}: its signature does not fit it; it was changed")


def signature_of(members: Mapping[str, bytes], private_key: bytes) -> bytes:
    """The member that signs a bundle.

    Parameters
    ----------
    members
        METADATA and LABELS of the bundle.
    private_key
        An Ed25519 key, PEM (PKCS #8) without a password.

    Raises
    ------
    UsageError
        If it is no such key.
    """
    public, signature = sign(_message(members), private_key)
    return json.dumps({"key": public, "signature": signature}, indent=1).encode()


def check_trusted(name: str, signed_by: str, trusted: tuple[str, ...]) -> None:
    """Refuse a bundle that none of the trusted keys has signed; any where none is
    named.

    Raises
    ------
    BundleError
        If it is refused.
    UsageError
        If a key is none, or signatures cannot be checked here.
    """
    if not trusted:
        return
    keys = [key_bytes(key) for key in trusted]
    if signed_by:
        if key_bytes(signed_by) in keys:
            return
        raise BundleError(f"{name}: is signed by {signed_by}, which is not in trusted_keys")
    try:
        import cryptography  # noqa: F401
    except ImportError:
        raise UsageError(f"trusted_keys: needs cryptography: {install_line('sign')}") from None
    raise BundleError(f"{name}: is not signed, and trusted_keys allows signed models only")


def _message(members: Mapping[str, bytes]) -> bytes:
    """What is signed."""
    parts = [hashlib.sha256(members.get(name, b"")).digest() for name in (METADATA, LABELS)]
    return _PURPOSE + b"".join(parts)
