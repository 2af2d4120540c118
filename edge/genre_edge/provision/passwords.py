"""Mosquitto's file of passwords: a line for each user, with a salted hash.

Source: mosquitto_passwd(1); `$7$` is PBKDF2-HMAC-SHA512.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

from ..errors import UsageError

_ITERATIONS = 101
"""As mosquitto_passwd makes them. More would cost the broker time at each connection,
and passwords that are drawn here have 256 random bits, which nobody guesses."""
_SALT_BYTES = 12
_HASH_BYTES = 64
_PASSWORD_BYTES = 32
_MOST_ITERATIONS = 10_000_000


def new_password() -> str:
    """A password that nobody can guess: letters, digits, "-" and "_"."""
    return secrets.token_urlsafe(_PASSWORD_BYTES)


def hashed(password: str, salt: bytes | None = None, iterations: int = _ITERATIONS) -> str:
    """A password as Mosquitto keeps it.

    Examples
    --------
    >>> hashed("secret", bytes(12))[:26]
    '$7$101$AAAAAAAAAAAAAAAA$GK'
    """
    salt = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations, _HASH_BYTES)
    salt_text, made_text = (base64.b64encode(one).decode() for one in (salt, made))
    return f"$7${iterations}${salt_text}${made_text}"


def fits(password: str, kept: str) -> bool:
    """Whether a hash is that of a password. One of another kind than `hashed` makes
    fits none."""
    try:
        _, kind, iterations, salt, _ = kept.split("$")
        count = int(iterations)
        known = kind == "7" and 1 <= count <= _MOST_ITERATIONS
        raw = base64.b64decode(salt, validate=True)
    except (ValueError, binascii.Error):
        return False
    return known and hmac.compare_digest(hashed(password, raw, count), kept)


class PasswordFile:
    """The lines of such a file, in their order."""

    def __init__(self, text: str, name: object) -> None:
        """Read them.

        Parameters
        ----------
        text
            What the file holds.
        name
            What the user calls it.

        Raises
        ------
        UsageError
            If a line is none.
        """
        self._hashes: dict[str, str] = {}
        for number, line in enumerate(text.splitlines(), 1):
            user, mark, kept = line.partition(":")
            if not line:
                continue
            if not mark or not user or not kept:
                raise UsageError(f"{name}:{number}: is no line USER:HASH of Mosquitto's passwords")
            self._hashes[user] = kept

    def __contains__(self, user: str) -> bool:
        return user in self._hashes

    def put(self, user: str, password: str) -> None:
        """Let a user in with a password. A hash that is its own stays as it is."""
        if not fits(password, self._hashes.get(user, "")):
            self._hashes[user] = hashed(password)

    def remove(self, user: str) -> None:
        """Let a user in no more."""
        self._hashes.pop(user, None)

    @property
    def text(self) -> str:
        """All lines."""
        return "".join(f"{user}:{kept}\n" for user, kept in self._hashes.items())
