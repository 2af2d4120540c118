"""Wrong access tokens: each address may send a few, and then one now and then."""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict
from dataclasses import dataclass

_FREE = 10
"""Wrong tokens that an address may send at once."""
_SECONDS_EACH = 2.0
"""One more is allowed after this, s."""
_MOST_ADDRESSES = 1000
"""Addresses that are remembered; the one that was quiet for longest is forgotten."""


@dataclass
class _Account:
    spent: float
    """Wrong tokens that count now."""
    at: float
    """When that was, s."""


class GuessLimit:
    """Counts wrong tokens. Any thread may ask it."""

    def __init__(self) -> None:
        self._accounts: OrderedDict[str, _Account] = OrderedDict()
        self._lock = threading.Lock()

    def seconds_to_wait(self, address: str, now: float) -> float:
        """For how long no token of an address is looked at; 0 if one may be sent.

        Parameters
        ----------
        address
            The client's. Addresses of one IPv6 network (/64) count as one.
        now
            The time on a clock that only increases, s.
        """
        with self._lock:
            account = self._accounts.get(_network(address))
            if account is None:
                return 0.0
            return max(0.0, (self._spent(account, now) - _FREE + 1) * _SECONDS_EACH)

    def count_wrong(self, address: str, now: float) -> None:
        """Count one wrong token."""
        network = _network(address)
        with self._lock:
            account = self._accounts.pop(network, _Account(0.0, now))
            self._accounts[network] = _Account(self._spent(account, now) + 1, now)
            if len(self._accounts) > _MOST_ADDRESSES:
                self._accounts.popitem(last=False)

    def _spent(self, account: _Account, now: float) -> float:
        return max(0.0, account.spent - (now - account.at) / _SECONDS_EACH)


def _network(address: str) -> str:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))
