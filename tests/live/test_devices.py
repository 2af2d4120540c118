"""Names of microphones, on made trees of /proc/asound and /sys."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from genre_edge.errors import DeviceError
from genre_edge.live.devices import choose, identify, is_token, lasting_name


class Tree:
    """A made kernel: cards with their USB devices."""

    def __init__(self, root: Path) -> None:
        self.root, self.proc, self.sys = root, root / "proc/asound", root / "sys"
        self.devices: list[dict] = []

    def card(
        self,
        number: int,
        card_id: str,
        usbid: str = "",
        port: str = "",
        serial: str = "",
        pcm: int = 0,
    ) -> None:
        folder = self.proc / f"card{number}"
        folder.mkdir(parents=True)
        (folder / "id").write_text(card_id + "\n")
        if usbid:
            (folder / "usbid").write_text(usbid + "\n")
            device = self.sys / "devices/platform/usb1" / port
            (device / f"{port}:1.0").mkdir(parents=True)
            vendor, product = usbid.split(":")
            (device / "idVendor").write_text(vendor + "\n")
            (device / "idProduct").write_text(product + "\n")
            if serial:
                (device / "serial").write_text(serial + "\n")
            link = self.sys / f"class/sound/card{number}"
            link.mkdir(parents=True)
            (link / "id").write_text(card_id + "\n")
            (link / "device").symlink_to(device / f"{port}:1.0")
        self.pcm(number, card_id, pcm)

    def pcm(self, number: int, name: str, pcm: int) -> None:
        self.devices.append(
            {
                "index": len(self.devices),
                "name": f"{name}: USB Audio (hw:{number},{pcm})",
                "maxInputChannels": 1,
                "defaultSampleRate": 44100.0,
            }
        )

    def other(self, name: str, inputs: int = 32) -> None:
        index = len(self.devices)
        self.devices.append(
            {"index": index, "name": name, "maxInputChannels": inputs, "defaultSampleRate": 44100.0}
        )

    def found(self) -> list:
        return identify(self.devices, self.proc, self.sys)


def two_identical(root: Path, swapped: bool = False, gone: bool = False) -> Tree:
    """Two microphones of one make without serial numbers, in two ports."""
    tree = Tree(root)
    ports = ["1-1.2", "1-1.3"]
    for number, port in enumerate(reversed(ports) if swapped else ports):
        if not (gone and port == "1-1.3"):
            tree.card(number, f"Device_{number}" if number else "Device", "0d8c:013c", port)
    tree.other("default")
    return tree


def test_a_service_that_sees_processes_alone_in_proc_finds_the_same_names(tmp_path) -> None:
    tree = two_identical(tmp_path)
    tree.card(5, "Fifth", "1234:abcd", "1-1.4", serial="0042")
    before = [device.token for device in tree.found()]
    shutil.rmtree(tree.proc)
    assert [device.token for device in tree.found()] == before


def test_two_identical_microphones_have_two_names(tmp_path) -> None:
    tokens = [device.token for device in two_identical(tmp_path).found()]
    assert tokens == ["usb:0d8c:013c@1-1.2", "usb:0d8c:013c@1-1.3", "name:default"]


def test_names_survive_a_swap_of_the_order(tmp_path) -> None:
    before = two_identical(tmp_path / "a").found()
    after = two_identical(tmp_path / "b", swapped=True).found()
    for token in ("usb:0d8c:013c@1-1.2", "usb:0d8c:013c@1-1.3"):
        chosen_before, _ = choose(before, token, None)
        chosen_after, _ = choose(after, token, None)
        assert chosen_before.token == chosen_after.token == token
        assert chosen_before.index != chosen_after.index


def test_the_other_microphone_is_not_taken_for_the_one_that_is_gone(tmp_path) -> None:
    devices = two_identical(tmp_path, gone=True).found()
    assert choose(devices, "usb:0d8c:013c@1-1.2", None)[0].token == "usb:0d8c:013c@1-1.2"
    with pytest.raises(DeviceError, match=r"not found; there are: usb:0d8c:013c@1-1\.2"):
        choose(devices, "usb:0d8c:013c@1-1.3", None)


def test_a_serial_number_finds_the_device_in_any_port(tmp_path) -> None:
    for name, port in (("a", "1-1.2"), ("b", "2-3")):
        tree = Tree(tmp_path / name)
        tree.card(0, "Mic", "1234:abcd", port, serial="S9")
        (device,) = tree.found()
        assert device.token == f"usb:1234:abcd:S9@{port}"
        assert choose([device], "usb:1234:abcd:S9", None)[0] is device
        assert choose([device], "usb:1234:ABCD", None)[0] is device
    with pytest.raises(DeviceError):
        choose([device], "usb:1234:abcd:S8", None)


def test_a_part_that_fits_several_lists_them(tmp_path) -> None:
    devices = two_identical(tmp_path).found()
    for wanted in ("usb:0d8c:013c", "usb audio"):
        with pytest.raises(DeviceError, match=r"several match.*1-1\.2.*1-1\.3"):
            choose(devices, wanted, None)


def test_index_and_name_part_choose_too(tmp_path) -> None:
    devices = two_identical(tmp_path).found()
    assert choose(devices, "1", None)[0].index == 1
    assert choose(devices, "DEFAULT", None)[0].token == "name:default"
    with pytest.raises(DeviceError, match="nonsense: not found; there are"):
        choose(devices, "nonsense", None)


def test_other_cards_are_named_by_their_id_and_second_devices_by_their_number(tmp_path) -> None:
    tree = Tree(tmp_path)
    tree.card(2, "sndrpihifiberry")
    tree.card(3, "Loopback", pcm=1)
    assert [device.token for device in tree.found()] == ["alsa:sndrpihifiberry", "alsa:Loopback,1"]


def test_outputs_are_left_out(tmp_path) -> None:
    tree = Tree(tmp_path)
    tree.other("HDMI", inputs=0)
    assert tree.found() == []
    with pytest.raises(DeviceError, match="plugged in"):
        choose([], None, None)


def test_the_default_is_the_only_usb_input_else_the_systems(tmp_path) -> None:
    one = Tree(tmp_path / "one")
    one.other("default")
    one.card(1, "Mic", "0d8c:013c", "1-1")
    assert choose(one.found(), None, 0)[1] == "the only USB input"
    device, why = choose(two_identical(tmp_path / "two").found(), None, 2)
    assert (device.token, why) == ("name:default", "the system's default input")
    assert choose(two_identical(tmp_path / "none").found(), None, None)[1] == "the first input"


def test_a_device_alone_of_its_kind_is_found_again_in_any_port(tmp_path) -> None:
    (alone, _) = two_identical(tmp_path / "a", gone=True).found()
    assert lasting_name(alone, [alone]) == "usb:0d8c:013c"
    both = two_identical(tmp_path / "b").found()
    assert lasting_name(both[0], both) == "usb:0d8c:013c@1-1.2"


def test_tokens_are_told_from_names() -> None:
    assert is_token("usb:0d8c:013c")
    assert is_token(None), "the default device may come later too"
    assert not is_token("3")
    assert not is_token("Blue Yeti")
