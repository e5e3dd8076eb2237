import pytest

from moorage.distribution.chunks import WIDTH, chunks, padded


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
def test_chunks_hold_every_value_once_and_in_order(count):
    found = list(chunks(range(count), 3))
    assert [value for chunk in found for value in chunk] == list(range(count))
    assert all(1 <= len(chunk) <= 3 for chunk in found)


@pytest.mark.parametrize("count", [0, 1, WIDTH - 1, WIDTH, WIDTH + 1, 3 * WIDTH])
def test_padded_lists_are_all_of_one_width_and_add_nothing_new(count):
    found = list(padded(range(count)))
    assert all(len(chunk) == WIDTH for chunk in found)
    assert sorted({value for chunk in found for value in chunk}) == list(range(count))
