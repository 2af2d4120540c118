"""A real Mosquitto for the tests, with password or TLS if wanted, and a subscriber that
remembers everything."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.helpers.waiting import wait_for


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Broker:
    """Mosquitto on one port; it can be stopped and started again."""

    def __init__(
        self,
        folder: Path,
        password: str | None = None,
        tls: bool = False,
        fleet: Path | None = None,
    ) -> None:
        """`fleet` has files `passwords` and `acl`."""
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        if not Path(program).exists():
            pytest.skip("needs mosquitto (script/setup installs it)")
        self._program, self._folder = program, folder
        self.port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        lines = [
            f"listener {self.port} 127.0.0.1",
            "log_type all",
            f"log_dest file {folder}/log",
            "user root",
        ]
        # What the broker has acknowledged it must deliver, also after a restart.
        lines += ["persistence true", f"persistence_location {folder}/", "max_queued_messages 0"]
        if fleet is not None:
            lines += ["allow_anonymous false", f"password_file {fleet}/passwords"]
            lines.append(f"acl_file {fleet}/acl")
        elif password is None:
            lines.append("allow_anonymous true")
        else:
            (folder / "users").write_text(f"edge:{password}\n")
            (folder / "users").chmod(0o600)
            tool = str(Path(program).parent.parent / "bin" / "mosquitto_passwd")
            subprocess.run(
                [shutil.which("mosquitto_passwd") or tool, "-U", str(folder / "users")], check=True
            )
            lines += ["allow_anonymous false", f"password_file {folder}/users"]
        if tls:
            make_certificates(folder)
            lines += [
                f"cafile {folder}/ca.pem",
                f"certfile {folder}/server.pem",
                f"keyfile {folder}/server.key",
            ]
            lines += ["require_certificate true"]
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._program, "-c", str(self._folder / "mosquitto.conf")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise RuntimeError("mosquitto did not start: " + (self._folder / "log").read_text())

    def reload(self) -> None:
        """Have it read its passwords and rights again."""
        assert self._process is not None
        before = self.log().count("Reloading config.")
        self._process.send_signal(signal.SIGHUP)
        wait_for(lambda: self.log().count("Reloading config.") > before, "the broker")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")


def make_certificates(folder: Path) -> None:
    """A CA, and certificates for the server and a client."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    subject = ["-subj", "/CN=ca"]
    openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        *subject,
    )
    (folder / "ext").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    for name in ("server", "client"):
        openssl(
            *f"req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj "
            f"/CN={name}".split()
        )
        openssl(
            *f"x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile "
            f"ext -out {name}.pem".split()
        )


class Subscriber:
    """Hears everything, through any number of restarts of the broker."""

    def __init__(self, port: int, name: str = "witness", password: str | None = None) -> None:
        """The broker keeps for `name` what it has not acknowledged."""
        self.heard: list[tuple[str, bytes, bool]] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
        if password is not None:
            self._client.username_pw_set("edge", password)
        self._client.reconnect_delay_set(0.05, 0.2)  # type: ignore[arg-type]
        self._is_subscribed = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self._client.on_subscribe = lambda *_: self._is_subscribed.set()
        self._client.on_message = lambda _c, _d, m: self.heard.append(
            (m.topic, bytes(m.payload), m.retain)
        )
        self._client.connect_async("127.0.0.1", port, keepalive=10)
        self._client.loop_start()
        wait_for(self._is_subscribed.is_set, "a subscription")

    def wait_for(self, condition: Callable[[], object]) -> None:
        wait_for(condition, "messages of the broker")

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain)

    def on(self, end: str) -> list[bytes]:
        return [payload for topic, payload, _ in self.heard if topic.endswith(end)]

    def windows(self) -> list[dict[str, Any]]:
        return [json.loads(payload) for payload in self.on("/window")]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def kept_by(port: int) -> set[str]:
    """Topics on which a broker keeps a message."""
    late = Subscriber(port, "late")
    late.publish("asked", b"")  # comes after all that is kept
    late.wait_for(lambda: late.on("asked"))
    late.close()
    return {topic for topic, payload, is_kept in late.heard if is_kept and payload}
