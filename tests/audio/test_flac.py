"""FLAC: heard to its last frame, whatever its header says and whatever follows."""

from __future__ import annotations

from contextlib import closing

import pytest
from genre_edge.audio.file_source import FileSource, read_mono
from genre_edge.audio.formats.flac import contents as flac_contents

from tests.conftest import noise


@pytest.mark.parametrize("stated", [1, 100_000, 529_199])
def test_a_count_of_samples_that_is_too_small_is_no_reason_to_stop(write_audio, stated) -> None:
    path = write_audio("few.flac", noise(12.0, 44_100), 44_100)
    content = bytearray(path.read_bytes())
    content[22:26] = stated.to_bytes(4, "big")  # the low bits of STREAMINFO's number
    path.write_bytes(content)
    assert len(read_mono(path, 44_100)) == 529_200
    with closing(FileSource(path)) as source:
        assert source.frames == 529_200


def test_what_follows_the_last_frame_of_a_flac_is_no_audio(demo_clip, tmp_path) -> None:
    padded = tmp_path / "padded.flac"
    padded.write_bytes(demo_clip.read_bytes() + bytes(700_000))
    assert len(read_mono(padded, 22050)) == len(read_mono(demo_clip, 22050))


def test_the_streams_of_a_flac_come_in_order_and_once(tmp_path) -> None:
    """The mark of a stream is found at the seam of two searches, and whether more
    metadata follows or none."""
    head, bare = b"fLaC\0\0\0\x22" + bytes(34), b"fLaC\x80\0\0\x22" + bytes(34)
    seam = (1 << 20) - len(head)
    for at in range(seam - 2, seam + 3):
        file = tmp_path / f"{at}.flac"
        between, after = b"x" * (at - 2 * len(bare)), b"x" * 500
        file.write_bytes(bare + head + between + head + after + bare + after)
        with file.open("rb") as stream:
            parts = flac_contents(stream, 0).parts
        starts = [part.pieces[0].start for part in parts]
        assert starts == [0, len(bare), at, at + len(head) + len(after)]
