"""Connections are shared out among the processes."""

from moorage.serving.balance import Balance, Share


def test_a_process_knows_how_many_more_it_has_than_another() -> None:
    balance = Balance(3)
    for index, connections in enumerate([5, 2, 4]):
        balance.report(index, connections)
    assert [balance.excess(index) for index in range(3)] == [3, 0, 2]


def test_a_process_that_is_gone_does_not_count() -> None:
    balance = Balance(2)
    here, gone = Share(balance, 0), Share(balance, 1)
    here.report(100)
    assert here.excess == 0
    gone.report(1)
    assert here.excess == 99
    gone.leave()
    assert here.excess == 0
