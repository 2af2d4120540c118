"""The Ansible role and the cloud-init file keep to the program, and to each other.
script/lint has more to say of their form."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from genre_edge.cli import command_parser
from genre_edge.service.systemd_unit import SECRETS

from tests.conftest import ROOT

USER_DATA = ROOT / "docs/cloud-init/user-data.yaml"
ROLE = ROOT / "docs/ansible/roles/genre_edge"
SCHEMA = ROOT / ".cache/cloud-init/schema.json"


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


@pytest.fixture
def script() -> str:
    """What a device runs at its first boot."""
    (file,) = read(USER_DATA)["write_files"]
    assert read(USER_DATA)["runcmd"] == [[file["path"]]]
    return str(file["content"])


def test_cloud_init_takes_the_file() -> None:
    if not SCHEMA.is_file():
        pytest.skip("needs the schema of cloud-init (script/setup fetches it)")
    assert USER_DATA.read_text().startswith("#cloud-config\n")
    schema = json.loads(SCHEMA.read_text())
    validator = jsonschema.Draft4Validator(schema)
    assert [error.message for error in validator.iter_errors(read(USER_DATA))] == []
    assert list(validator.iter_errors({**read(USER_DATA), "packages": 1})), "it looks"


def test_what_runs_at_the_first_boot_is_a_shell_script(script: str) -> None:
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)
    assert f"{SECRETS}/mqtt-password" in script


def test_both_install_as_the_program_can(script: str) -> None:
    (task,) = [one for one in read(ROLE / "tasks/main.yml") if "ansible.builtin.command" in one]
    argv = task["ansible.builtin.command"]["argv"]
    (line,) = re.findall(r"bin/genre-edge service (.*)", script)
    for words in (argv[2:], line.split()):
        found = command_parser("service").parse_args(words)
        assert found.config is not None and not found.no_start


def test_both_install_the_same_packages() -> None:
    packages = set(read(ROLE / "defaults/main.yml")["genre_edge_packages"])
    assert packages - {"python3-packaging"} == set(read(USER_DATA)["packages"])


def test_every_setting_of_the_role_is_explained() -> None:
    described = read(ROLE / "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    assert set(described) == set(read(ROLE / "defaults/main.yml"))
