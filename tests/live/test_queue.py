"""The queue behind the audio thread: bounded, and true about what is lost."""

from __future__ import annotations

from genre_edge.live.queue import CaptureQueue
from hypothesis import given
from hypothesis import strategies as st


def chunk(frames: int) -> bytes:
    return bytes(2 * frames)


@given(st.lists(st.one_of(st.none(), st.integers(1, 400)), max_size=80))
def test_what_the_queue_drops_is_counted_and_leaves_a_jump(steps: list[int | None]) -> None:
    queue, put, got, expected, jumps = CaptureQueue(1000, 1.0), 0, 0, 0, 0
    for step in steps:
        if step is not None:
            queue.put(chunk(step), step, False)
            put += step
            continue
        taken = queue.get(0)
        if taken is not None:
            jumps += taken.position - expected
            expected = taken.position + taken.frames
            got += taken.frames
    while (taken := queue.get(0)) is not None:
        jumps += taken.position - expected
        expected = taken.position + taken.frames
        got += taken.frames
    assert got + queue.dropped == put
    assert jumps == queue.dropped


def test_an_idle_consumer_costs_a_bounded_amount_of_memory() -> None:
    queue = CaptureQueue(48_000, 2.0)
    for _ in range(10_000):
        queue.put(chunk(1024), 1024, False)
    held = 0
    while (taken := queue.get(0)) is not None:
        held += taken.frames
    assert held <= 96_000
    assert held + queue.dropped == 10_240_000


def test_frames_that_the_driver_lost_move_the_position() -> None:
    now = 101.0
    queue = CaptureQueue(1000, 60.0, lambda: now)
    queue.put(chunk(1000), 1000, False)  # heard from 100 to 101 s
    now = 105.0
    queue.put(chunk(1000), 1000, True)  # 104 to 105 s: 3 s are missing
    now = 106.0
    queue.put(chunk(1000), 1000, False)
    assert queue.overflows == 1
    assert [taken.position for taken in iter(lambda: queue.get(0), None)] == [0, 4000, 5000]


def test_a_loss_that_the_clock_does_not_see_never_moves_the_position_back() -> None:
    now = 101.0
    queue = CaptureQueue(1000, 60.0, lambda: now)
    queue.put(chunk(1000), 1000, True)  # before anything was heard
    now = 101.2
    queue.put(chunk(1000), 1000, True)  # early: the driver had it ready
    assert [taken.position for taken in iter(lambda: queue.get(0), None)] == [0, 1000]
