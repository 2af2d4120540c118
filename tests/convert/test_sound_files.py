"""Files that are no model, or claim to be a giant one: one line that names the file and
what to do, before anything is unpacked, run or written."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import pytest
from genre_edge.errors import ModelError
from genre_edge_convert.read.networks import load_network
from genre_edge_convert.read.sound_files import LARGEST, check_keras_file
from keras import layers

pytestmark = pytest.mark.filterwarnings("ignore")  # TensorFlow's and Keras' own


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    """A folder with one small network as m.keras, m.h5 and the SavedModel m."""
    folder = tmp_path_factory.mktemp("saved")
    model = keras.Sequential([layers.Input((9, 5)), layers.Flatten(), layers.Dense(300)])
    model.save(folder / "m.keras")
    model.save(folder / "m.h5")
    model.export(str(folder / "m"), verbose=False)
    return folder


def _half(path: Path) -> bytes:
    content = path.read_bytes()
    return content[: len(content) // 2]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.keras", lambda saved: _half(saved / "m.keras"), "is cut short or damaged"),
        ("a.h5", lambda saved: _half(saved / "m.h5"), "is cut short or damaged"),
        ("a.keras", lambda _: b"", "is no .keras file, or damaged"),
        ("a.h5", lambda _: b"<html>", "is no HDF5 file, or damaged"),
        (
            "a.keras",
            lambda saved: (saved / "m.h5").read_bytes(),
            "is an .h5 file by its content",
        ),
        (
            "a.h5",
            lambda saved: (saved / "m.keras").read_bytes(),
            "is a .keras file by its content",
        ),
    ],
)
def test_a_file_that_is_no_model_says_so(
    tmp_path: Path, saved: Path, name: str, content: Callable[[Path], bytes], says: str
) -> None:
    (tmp_path / name).write_bytes(content(saved))
    with pytest.raises(ModelError, match=f"{name}: {says}") as refused:
        load_network(tmp_path / name)
    assert "\n" not in str(refused.value)


def test_a_folder_without_its_weights_says_what_it_lacks(tmp_path: Path, saved: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes((saved / "m" / "saved_model.pb").read_bytes())
    with pytest.raises(ModelError, match=r"lacks variables/variables\.index: copy the whole"):
        load_network(tmp_path)


def test_a_zip_bomb_is_refused_unread(tmp_path: Path, saved: Path) -> None:
    """Its directory claims more than a model can be."""
    bomb = tmp_path / "m.keras"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as members:
        members.writestr("config.json", "{}")
    content = bomb.read_bytes()
    at = content.rindex(b"PK\x01\x02") + 24  # the size in the archive's directory
    claimed = (LARGEST + 1).to_bytes(4, "little")
    bomb.write_bytes(content[:at] + claimed + content[at + 4 :])
    with pytest.raises(ModelError, match=r"unpacks to 2\.1 GB, more than a TFLite model can be"):
        check_keras_file(bomb)


def test_a_layer_that_claims_gigabytes_is_refused(tmp_path: Path, saved: Path) -> None:
    """Without the memory being taken: the machine has other work too."""
    giant = tmp_path / "m.keras"
    with zipfile.ZipFile(saved / "m.keras") as source, zipfile.ZipFile(giant, "w") as members:
        config = json.loads(source.read("config.json"))
        config["config"]["layers"][-1]["config"]["units"] = 10**9
        for name in source.namelist():
            is_config = name == "config.json"
            members.writestr(name, json.dumps(config) if is_config else source.read(name))
    with pytest.raises(ModelError, match="needs more than 9 GB of memory to load"):
        load_network(giant)
