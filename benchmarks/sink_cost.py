"""What MQTT, a history and a webhook on change add to the cost of a window.

    python -m benchmarks.sink_cost [--windows 400]     needs mosquitto and paho-mqtt

Hears the same noise with and without sinks, in turns, and compares the processor time
of the whole process a window, all threads counted. Windows follow each other every 50
ms: waiting costs what it costs in real use.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
from genre_edge.audio.resample import Resampler
from genre_edge.audio.source import AudioBlock
from genre_edge.health import Health, SinkHealth, SourceHealth
from genre_edge.live.listener import Listener
from genre_edge.model.engine import Engine
from genre_edge.records import Record
from genre_edge.settings.tables import EngineConfig, ListenConfig
from genre_edge.sinks.background import BackgroundSink, Fanout
from genre_edge.sinks.history import HistoryConfig, HistorySink
from genre_edge.sinks.kind import SinkContext
from genre_edge.sinks.mqtt.settings import mqtt_config, parse_mqtt
from genre_edge.sinks.mqtt.sink import MqttSink
from genre_edge.sinks.sink import BoundedSink
from genre_edge.sinks.webhook import WebhookSink
from genre_edge.sinks.webhook_settings import parse_webhook

from tests.helpers.blocks import BlockSource
from tests.helpers.broker import Broker

PAUSE = 0.05


def paced(windows: int, rate: int) -> Iterator[AudioBlock]:
    """Windows of noise from 48 kHz, one every PAUSE seconds."""
    resampler, at = Resampler(48_000, rate), 0
    noise = (0.1 * np.random.default_rng(0).standard_normal(3 * 48_000)).astype(np.float32)
    for _ in range(windows):
        samples = resampler.push(noise)
        yield AudioBlock(samples[:, None], at)
        at += len(samples)
        time.sleep(PAUSE)


class Quiet(BaseHTTPRequestHandler):
    """Takes any POST."""

    def do_POST(self) -> None:
        """Read and thank."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def cost(engine: Engine, windows: int, sink: Fanout) -> float:
    """Processor time a window, ms."""

    def emit(record: Record) -> None:
        sink.write(record)

    began = time.process_time()
    rate = engine.sample_rate
    source = BlockSource(paced(windows, rate), rate)
    Listener(engine, ListenConfig(), emit, SourceHealth()).run(source)
    return (time.process_time() - began) / windows * 1e3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=int, default=400)
    parser.add_argument("--pairs", type=int, default=5)
    args = parser.parse_args()
    engine = Engine(EngineConfig("gtzan-edge.int8"))
    server = HTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = Broker(folder / "broker")
        broker.start()
        bare, full = [], []
        for number in range(args.pairs):
            bare.append(cost(engine, args.windows, Fanout([])))
            url = f"mqtt://127.0.0.1:{broker.port},name=bench,spool={folder / 'spool'}"
            labels = engine.classifier.labels
            context = SinkContext(
                SinkHealth("mqtt"), Health(), labels, "bench", lambda line: None, wait=False
            )
            hook = parse_webhook(f"http://127.0.0.1:{server.server_port}/")
            entry = SinkHealth("history")
            history = HistorySink(HistoryConfig(folder / f"{number}.db"), entry)
            parts: list[BoundedSink] = [
                BackgroundSink(history, entry),
                BackgroundSink(WebhookSink(hook), SinkHealth("webhook")),
                MqttSink(mqtt_config(parse_mqtt(url), folder), context),
            ]
            for part in parts:
                part.start()
            sinks = Fanout([*parts])
            time.sleep(0.5)
            full.append(cost(engine, args.windows, sinks))
            sinks.close()
        broker.stop()
    without, with_sinks = statistics.median(bare), statistics.median(full)
    print(
        f"processor time a window: {without:.2f} ms without sinks ({min(bare):.2f} to "
        f"{max(bare):.2f}),"
    )
    print(
        f"{with_sinks:.2f} ms with MQTT, history and webhook ({min(full):.2f} to {max(full):.2f}):"
    )
    print(
        f"{100 * (with_sinks / without - 1):+.0f} %, {1e3 * (with_sinks - without):.0f} "
        "microseconds"
    )


if __name__ == "__main__":
    main()
