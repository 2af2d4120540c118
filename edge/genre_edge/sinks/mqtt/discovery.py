"""The process that looks for MQTT brokers in the network (mDNS, _mqtt._tcp): a JSON
line for each.

It needs python-zeroconf. Some 20 MB of it do not stay in the program that asks.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

_KINDS = {"_mqtt._tcp.local.": "mqtt", "_secure-mqtt._tcp.local.": "mqtts"}
"""What brokers announce themselves as, and how they are reached."""
_LOOK_SECONDS = 3.0
"""How long it looks, s."""
_ANSWER_MS = 1500
"""Longest wait for the address of one, ms."""


def brokers(seconds: float = _LOOK_SECONDS) -> list[dict[str, str]]:
    """The brokers that answer within `seconds`: their name and their URL."""
    from zeroconf import InterfaceChoice, ServiceBrowser, ServiceListener, Zeroconf

    found: dict[str, dict[str, str]] = {}

    class Listener(ServiceListener):
        def add_service(self, network: Any, kind: str, name: str) -> None:
            info = network.get_service_info(kind, name, _ANSWER_MS)
            addresses = info.parsed_scoped_addresses() if info is not None else []
            if not addresses:
                return
            host = next((one for one in addresses if ":" not in one), f"[{addresses[0]}]")
            url = f"{_KINDS[kind]}://{host}:{info.port}"
            found[url] = {"name": name.removesuffix(f".{kind}"), "url": url}

        def update_service(self, network: Any, kind: str, name: str) -> None:
            self.add_service(network, kind, name)

        def remove_service(self, network: Any, kind: str, name: str) -> None:
            """It is only just gone: a test of the connection will say so."""

    # The service may not list its interfaces (RestrictAddressFamilies): the default
    # will do.
    network = Zeroconf(interfaces=InterfaceChoice.Default)
    try:
        ServiceBrowser(network, list(_KINDS), listener=Listener())
        time.sleep(seconds)
    finally:
        network.close()
    return sorted(found.values(), key=lambda one: one["url"])


def main() -> int:
    """Look, and print. Returns 3 if python-zeroconf is not installed, 1 if the network
    cannot be used, with a line on standard error."""
    from ...extras import install_line
    from ...model.workers import die_with_parent

    die_with_parent()
    try:
        found = brokers()
    except ModuleNotFoundError:
        print(f"looking for brokers needs zeroconf: {install_line('mdns')}", file=sys.stderr)
        return 3
    except OSError as error:
        print(f"the network cannot be used: {error.strerror}", file=sys.stderr)
        return 1
    for one in found:
        print(json.dumps(one))
    return 0


if __name__ == "__main__":
    sys.exit(main())
