"""The figures on the cards are what the command line gives on the valid tracks."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from genre_edge.model.bundle import read_bundle, shipped_models


@pytest.mark.parametrize("model", sorted(shipped_models()))
@pytest.mark.slow
def test_the_card_tells_the_truth(cli, gtzan: Path, model: str) -> None:
    with (gtzan / "tracks.csv").open() as file:
        valid = {
            str(gtzan / row["file"]): row["genre"]
            for row in csv.DictReader(file)
            if row["split"] == "valid"
        }
    result = cli("classify", *valid, "--model", model, "--format", "json", "--jobs", 2)
    assert result.returncode == 0, result.stderr
    records = [json.loads(line) for line in result.stdout.splitlines()]
    path = Path(shipped_models()[model])
    metrics = read_bundle(path).info.metrics["valid"]
    card = path.with_name(model.rsplit(".", 1)[0] + ".md").read_text()
    for kind, unit in (("window", "windows"), ("file", "tracks")):
        right = [r["genre"] == valid[r["file"]] for r in records if r["type"] == kind]
        measured = sum(right) / len(right)
        assert len(right) == metrics[unit]["count"]
        # Another processor may round one window the other way.
        assert measured == pytest.approx(metrics[unit]["accuracy"], abs=1.01 / len(right) + 1e-4)
        assert f"{metrics[unit]['accuracy']:.1%} of {len(right)}" in card
