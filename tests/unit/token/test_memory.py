"""The bounded memory."""

import threading

from moorage.token.memory import Memory


def test_what_was_put_is_found_and_nothing_else():
    memory: Memory[str, int] = Memory(10)
    memory.put("a", 1)
    assert memory.get("a") == 1
    assert memory.get("b") is None


def test_what_is_used_stays_and_the_memory_stays_small():
    memory: Memory[int, int] = Memory(100)
    memory.put(-1, -1)
    for each in range(10_000):
        memory.put(each, each)
        assert memory.get(-1) == -1
    kept = sum(memory.get(each) is not None for each in range(10_000))
    assert 49 <= kept <= 100


def test_the_last_half_is_always_there():
    memory: Memory[int, int] = Memory(100)
    for each in range(1000):
        memory.put(each, each)
        assert all(memory.get(older) == older for older in range(max(0, each - 10), each + 1))


def test_threads_share_it():
    memory: Memory[int, int] = Memory(64)
    wrong = []

    def use(offset: int) -> None:
        for each in range(20_000):
            key = (each * 7 + offset) % 200
            found = memory.get(key)
            if found is None:
                memory.put(key, key * 3)
            elif found != key * 3:
                wrong.append(key)

    threads = [threading.Thread(target=use, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
