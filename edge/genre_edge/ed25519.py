"""Keys and signatures: Ed25519 (RFC 8032), as files and settings write them.

A private key is PEM (PKCS #8) without a password. A public key is "ed25519:" and its
bytes in Base64; a signature is Base64. The package cryptography does the arithmetic. It
is optional, and imported where it is used.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from .errors import UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_PREFIX = "ed25519:"
_KEY_BYTES = 32


def make_key() -> tuple[bytes, str]:
    """A new private key in PEM, and its public key."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private, _written(key.public_key().public_bytes_raw())


def key_bytes(key: str) -> bytes:
    """The bytes of a public key, written "ed25519:" and Base64. UsageError."""
    try:
        found = _decoded(key.removeprefix(_PREFIX))
    except ValueError:
        found = b""
    if not key.startswith(_PREFIX) or len(found) != _KEY_BYTES:
        raise UsageError(f"{key[:60]!r} is no public key; one begins with {_PREFIX}")
    return found


def sign(message: bytes, private_key: bytes) -> tuple[str, str]:
    """Sign a message.

    Parameters
    ----------
    message : bytes
        What is signed. It begins with its purpose, so that the signature fits nothing
        else.
    private_key : bytes
        An Ed25519 key, PEM (PKCS #8) without a password.

    Returns
    -------
    key, signature : str
        The public key, and the signature.

    Raises
    ------
    UsageError
        If it is no such key.
    """
    key = _private(private_key)
    signature = base64.b64encode(key.sign(message)).decode()
    return _written(key.public_key().public_bytes_raw()), signature


def public_key(private_key: bytes) -> str:
    """The public key of a private one, PEM. UsageError if it is none."""
    return _written(_private(private_key).public_key().public_bytes_raw())


def _private(pem: bytes) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError):
        raise UsageError("no Ed25519 key in PEM without a password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError("no Ed25519 key (genre-convert sign --make-key makes one)")
    return key


def fits(message: bytes, key: str, signature: str) -> bool:
    """Whether a signature of a message was made with a key.

    Parameters
    ----------
    message : bytes
        What was signed, its purpose included.
    key : str
        The public key.
    signature : str
        In Base64.

    Raises
    ------
    ModuleNotFoundError
        If the package that checks it is not installed.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        public = Ed25519PublicKey.from_public_bytes(key_bytes(key))
        public.verify(_decoded(signature), message)
    except (InvalidSignature, TypeError, ValueError, UsageError):
        return False
    return True


def _written(public: bytes) -> str:
    return _PREFIX + base64.b64encode(public).decode()


def _decoded(text: str) -> bytes:
    """The bytes of Base64. ValueError, also for a second way to write the same."""
    found = base64.b64decode(text, validate=True)
    if base64.b64encode(found).decode() != text:
        raise ValueError(text)
    return found
