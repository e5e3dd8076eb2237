"""Which blocks of a segment have a sign, packed into buckets. Pure.

A segment has 256 blocks, so a set of blocks is a number of 256 bits. A bucket holds the signs that leave the
same remainder; of each that is frequent its sign and that number, then of the others a sign and a block
for each block. It is looked through by the search for bytes, which needs no reading of the whole.
"""

import struct
from collections.abc import Mapping

#: Blocks of a segment.
BLOCKS = 256
#: Every block.
ALL = (1 << BLOCKS) - 1

_COUNT = struct.Struct(">H")
_SIGN = struct.Struct(">I")
_SET_BYTES = BLOCKS // 8
_FREQUENT_BYTES = _SIGN.size + _SET_BYTES
_RARE_MOST = 7


def pack(postings: Mapping[int, int], buckets: int) -> list[bytes]:
    """The buckets of a segment.

    Args:
        postings: the blocks that have a sign, by the sign.
    """
    frequent: list[list[bytes]] = [[] for _ in range(buckets)]
    rare: list[list[bytes]] = [[] for _ in range(buckets)]
    for sign, blocks in postings.items():
        name = _SIGN.pack(sign)
        if blocks.bit_count() > _RARE_MOST:
            frequent[sign % buckets].append(name + blocks.to_bytes(_SET_BYTES, "big"))
        else:
            rare[sign % buckets].extend(name + bytes((block,)) for block in members(blocks))
    return [
        _COUNT.pack(len(many)) + b"".join(many) + b"".join(few)
        for many, few in zip(frequent, rare, strict=True)
    ]


def blocks_of(bucket: bytes, sign: int) -> int:
    """The blocks that may have the sign: all that have it, and seldom one more."""
    name = _SIGN.pack(sign)
    end = _COUNT.size + _COUNT.unpack_from(bucket)[0] * _FREQUENT_BYTES
    place = bucket.find(name, _COUNT.size, end)
    while place >= 0:
        if (place - _COUNT.size) % _FREQUENT_BYTES == 0:
            return int.from_bytes(bucket[place + _SIGN.size : place + _FREQUENT_BYTES], "big")
        place = bucket.find(name, place + 1, end)
    found = 0
    place = bucket.find(name, end)
    while 0 <= place < len(bucket) - _SIGN.size:
        found |= 1 << bucket[place + _SIGN.size]
        place = bucket.find(name, place + 1)
    return found


def members(blocks: int) -> list[int]:
    """The numbers of the blocks in a set."""
    found = []
    while blocks:
        lowest = blocks & -blocks
        found.append(lowest.bit_length() - 1)
        blocks ^= lowest
    return found
