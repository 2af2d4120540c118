"""Who vouches for a bundle: an Ed25519 signature (RFC 8032) in a member of its own.

It covers the metadata and the labels. The metadata has the SHA-256 of the flatbuffer,
so the network is covered too; so it does that of the negatives. A signed bundle holds
nothing else (`bundle_members.holds_nothing_else`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping

from ..errors import BundleError, UsageError
from ..extras import install_line
from .bundle_members import LABELS, METADATA, SIGNATURE, parsed

_PURPOSE = b"genre-edge bundle, signature 1\0"
"""Begins what is signed, so that a signature made for something else fits nothing
here."""
_PREFIX = "ed25519:"
_KEY_BYTES = 32


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
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return ""
    try:
        described = parsed(members[SIGNATURE])
        key = str(described["key"])
        signature = base64.b64decode(described["signature"], validate=True)
        Ed25519PublicKey.from_public_bytes(key_bytes(key)).verify(signature, _message(members))
    except (InvalidSignature, KeyError, TypeError, ValueError, UsageError):
        raise BundleError(f"{name}: its signature does not fit it; it was changed") from None
    return key


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
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(private_key, None)
    except (ValueError, TypeError) as error:
        raise UsageError(f"no Ed25519 key in PEM without a password ({error})") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError("no Ed25519 key (genre-convert sign --make-key makes one)")
    public = _PREFIX + base64.b64encode(key.public_key().public_bytes_raw()).decode()
    signature = base64.b64encode(key.sign(_message(members))).decode()
    return json.dumps({"key": public, "signature": signature}, indent=1).encode()


def make_key() -> tuple[bytes, str]:
    """A new private key in PEM, and its public key as `signer` writes it."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private, _PREFIX + base64.b64encode(key.public_key().public_bytes_raw()).decode()


def key_bytes(key: str) -> bytes:
    """The bytes of a public key, written "ed25519:" and Base64. UsageError."""
    try:
        found = base64.b64decode(key.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not key.startswith(_PREFIX) or len(found) != _KEY_BYTES:
        raise UsageError(f"{key[:60]!r} is no public key; one begins with {_PREFIX}")
    return found


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
