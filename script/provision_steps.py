"""What provision-check does in the booted system; leaves with 1 at the first step that
fails."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import genre_edge.cli

from script.systemd_steps import Booted, booted_with_microphone

_GIVEN = "/srv/given"
"""Where everything lies that the system is given, as it sees it."""
_INVENTORY = f"""\
genre_edge:
  vars:
    ansible_connection: local
    ansible_python_interpreter: /usr/bin/python3
    genre_edge_wheel: "{{{{ lookup('fileglob', '{_GIVEN}/genre_edge-*.whl') }}}}"
    genre_edge_constraints: {_GIVEN}/constraints.txt
    genre_edge_fleet: {_GIVEN}/fleet
  hosts:
    kitchen:
"""
_BROKER = """\
listener 1883 127.0.0.1
allow_anonymous false
password_file /etc/mosquitto/fleet.passwords
acl_file /etc/mosquitto/fleet.acl
log_type all
"""
_LOG = "/var/log/mosquitto/mosquitto.log"


def give(root: Path) -> None:
    """A fleet of one device, and what else the system needs."""
    given = root / _GIVEN.lstrip("/")
    common = given / "common.toml"
    common.write_text('[mqtt]\nurl = "mqtt://127.0.0.1/music"\n[model]\nhop_seconds = 1.0\n')
    arguments = ["--to", str(given / "fleet"), "--template", str(common), "kitchen"]
    if genre_edge.cli.main(["provision", *arguments]) != 0:
        raise SystemExit("FAIL genre-edge provision")
    (given / "inventory.yml").write_text(_INVENTORY)
    (given / "genre-edge.conf").write_text(_BROKER)
    password = (given / "fleet/services/homeassistant/mqtt-password").read_text()
    login = root / "root/.config/mosquitto_sub"
    login.parent.mkdir(parents=True, exist_ok=True)
    login.write_text(f"-u homeassistant\n-P {password}")
    login.chmod(0o600)


def must(system: Booted, what: str, command: str) -> str:
    """What a command inside prints. Ends the program if it fails."""
    status, said = system.run(command)
    if status != 0:
        raise SystemExit(f"FAIL {what}: {said}")
    return said


def forget(system: Booted) -> None:
    """Take away all that an installation leaves."""
    system.run("/opt/genre-edge/bin/genre-edge service uninstall; rm -rf /opt/genre-edge*")
    system.run("rm -rf /etc/genre-edge.toml* /etc/genre-edge.secrets /var/lib/private/genre-edge")


def start_broker(system: Booted) -> None:
    """Mosquitto, as docs/provisioning.md says."""
    for name in ("passwords", "acl"):
        source = f"{_GIVEN}/fleet/mosquitto/{name}"
        command = f"install -o mosquitto -m 600 {source} /etc/mosquitto/fleet.{name}"
        must(system, "install", command)
    must(system, "mosquitto", f"cp {_GIVEN}/genre-edge.conf /etc/mosquitto/conf.d; rm -f {_LOG}")
    must(system, "mosquitto", "systemctl restart mosquitto && systemctl reload mosquitto")


def by_ansible(system: Booted) -> None:
    """The role three times: as it is, again, and in check mode."""
    tool = "/opt/ansible/bin"
    make = f"[ -x {tool}/ansible ] || {{ python3 -m venv /opt/ansible && {tool}/pip install -q"
    must(system, "ansible", f"{make} ansible-core; }}")
    play = f"cd {_GIVEN}/ansible && {tool}/ansible-playbook -i ../inventory.yml playbook.yml"
    for how, most in (("", None), ("", 0), (" --check", 0)):
        said = must(system, "the role", play + how)
        found = re.search(r"ok=\d+ +changed=(\d+)", said)
        if found is None or (most is not None and int(found[1]) > most):
            raise SystemExit(f"FAIL the role changes something again: {said}")
        print(f"ansible-playbook{how}: {found[0]}")


def by_cloud_init(system: Booted) -> None:
    """A first boot: all that cloud-init does at one."""
    seed, boot = "/var/lib/cloud/seed/nocloud", "/boot/firmware/genre-edge"
    must(system, "cloud-init", f"rm -rf {boot}; mkdir -p {seed} {boot}; cloud-init clean")
    must(system, "cloud-init", "echo 'datasource_list: [NoCloud]' >/etc/cloud/cloud.cfg.d/99.cfg")
    must(system, "cloud-init", f"cp {_GIVEN}/cloud-init/user-data.yaml {seed}/user-data")
    must(system, "cloud-init", f"date +'instance-id: %s' >{seed}/meta-data")
    files = f"genre_edge-*.whl {_GIVEN}/constraints.txt {_GIVEN}/fleet/devices/kitchen/*"
    must(system, "cloud-init", f"cp {_GIVEN}/{files} {boot}")
    print(must(system, "cloud-init", f"cloud-init schema -c {seed}/user-data").strip())
    for stage in ("init --local", "init", "modules --mode=config", "modules --mode=final"):
        system.run(f"cloud-init {stage}")  # it has no network to set up, and says so
    must(system, "the password is still on the boot partition", f"test ! -e {boot}/mqtt-password")
    log = must(system, "cloud-init", "cat /var/log/cloud-init-output.log")
    secret = must(system, "the password", "cat /etc/genre-edge.secrets/mqtt-password").strip()
    if secret in log:
        raise SystemExit("FAIL the password is in cloud-init's log")


def listens(system: Booted, how: str) -> None:
    """Whether its windows reach Home Assistant, and the broker denied it nothing."""
    heard = must(system, "a window", "mosquitto_sub -t music/kitchen/window -C 1 -W 120")
    if '"label"' not in heard or system.run(f"grep -i denied {_LOG}")[0] == 0:
        raise SystemExit(f"FAIL {heard}")
    print(f"{how}: a window of the kitchen has come through the broker, which denied nothing")


def main() -> None:
    """Boot, go through the steps, switch off."""
    root = Path(sys.argv[1])
    shutil.rmtree(root / "var/lib/cloud", ignore_errors=True)
    give(root)
    with booted_with_microphone(root) as system:
        forget(system)
        start_broker(system)
        by_ansible(system)
        listens(system, "by Ansible")
        forget(system)
        by_cloud_init(system)
        listens(system, "by cloud-init")


if __name__ == "__main__":
    main()
