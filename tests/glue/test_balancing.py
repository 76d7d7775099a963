"""What each task of a reading job gets to do: all of the work, in order, in about equal shares."""

from __future__ import annotations

from exact_csv.balancing import TASK_BYTES, shared
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.integers(0, 3 * TASK_BYTES), max_size=60), st.integers(0, 8))
def test_nothing_is_lost_and_all_stays_in_order(weights: list[int], cores: int) -> None:
    work = list(enumerate(weights))
    shares = shared(work, lambda each: each[1], cores)
    assert [each for share in shares for each in share] == work
    assert all(shares)


@given(st.integers(1, 5_000), st.integers(1, 8), st.sampled_from([1, 1 << 10, 8 << 20]))
def test_work_that_is_alike_is_shared_in_whole_rounds(count: int, cores: int, weight: int) -> None:
    sizes = [len(share) for share in shared([weight] * count, int, cores)]
    assert len(sizes) == count or len(sizes) % cores == 0
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) * weight <= 1.5 * TASK_BYTES + weight


def test_of_what_outweighs_a_share_no_task_has_two() -> None:
    assert shared([1, 1, 600, 1, 1], int, 2) == [[1, 1], [600, 1, 1]]
    assert shared([600 << 20, 600 << 20, 1], int, 2) == [[600 << 20], [600 << 20, 1]]


def test_without_work_there_is_no_task() -> None:
    assert shared([], int, 2) == []
