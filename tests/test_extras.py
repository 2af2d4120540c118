"""Hints about what to install name a line that works from what is there."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
from genre_edge import extras
from genre_edge.extras import install_line, needed_by, pip_line

ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    path for room in ("edge", "train", "convert") for path in ROOT.glob(f"{room}/**/*.py")
)

METADATA = [
    "numpy>=1.26",
    'paho-mqtt<3,>=2.1; extra == "mqtt"',
    'flask>=3; extra == "web"',
    'waitress<4,>=3; extra == "web"',
    'numpy<2; python_version < "3.12" and extra == "tflite-runtime"',
]
"""Requirements as the metadata of a wheel has them."""


def test_a_checkout_is_named_by_its_path() -> None:
    assert shlex.split(install_line("mqtt"))[-2:] == ["--editable", f"{ROOT}[mqtt]"]


def test_an_installed_program_names_the_packages_that_it_lacks(monkeypatch) -> None:
    monkeypatch.setattr(extras, "checkout", lambda: None)
    monkeypatch.setattr("importlib.metadata.requires", lambda name: METADATA)
    assert install_line("mqtt").endswith("install 'paho-mqtt<3,>=2.1'")
    assert install_line("web").endswith("install 'flask>=3' 'waitress<4,>=3'")


@pytest.mark.parametrize(
    ("extra", "packages"),
    [
        ("web", ["flask>=3", "waitress<4,>=3"]),
        ("tflite-runtime", ["numpy<2"]),
        ("we", []),
        ("", []),
    ],
)
def test_only_the_packages_of_the_extra_are_needed(extra: str, packages: list[str]) -> None:
    assert needed_by(extra, METADATA) == packages


def test_the_pip_of_another_environment_is_not_named(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "pip").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shlex.split(pip_line("numpy")) == [sys.executable, "-m", "pip", "install", "numpy"]


def test_the_pip_of_this_environment_has_a_short_name(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "pip").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert pip_line("numpy<2") == "pip install 'numpy<2'"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_other_module_writes_an_install_line(path: Path) -> None:
    if path.name != "extras.py":
        assert "pip install" not in path.read_text()
