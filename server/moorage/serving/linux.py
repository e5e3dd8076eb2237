"""The few system calls of Linux that Python's library does not offer."""

import ctypes
import os
import signal
import socket
import struct

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.sync_file_range.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_SYNC_FILE_RANGE_WRITE = 2
_SO_ATTACH_FILTER = 26

# A socket filter in the kernel's own code: (operation, jump if true, jump if false, operand).
# Of the flags byte of a TCP header it keeps SYN and ACK; a lone SYN asks for a new connection.
_LOAD_BYTE, _AND, _JUMP_IF_EQUAL, _RETURN = 0x30, 0x54, 0x15, 0x06
_FLAGS_OFFSET, _SYN, _ACK = 13, 0x02, 0x10
_DROP, _KEEP = 0, 0xFFFFFFFF
_NO_NEW_CONNECTIONS = (
    (_LOAD_BYTE, 0, 0, _FLAGS_OFFSET),
    (_AND, 0, 0, _SYN | _ACK),
    (_JUMP_IF_EQUAL, 0, 1, _SYN),
    (_RETURN, 0, 0, _DROP),
    (_RETURN, 0, 0, _KEEP),
)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when `parent`, the process that forked it, is gone."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it went before the kernel was told
        os.kill(os.getpid(), signal.SIGKILL)


def start_writeback(descriptor: int, offset: int, length: int) -> None:
    """Ask the disk to begin writing that range; nothing is promised and nothing is evicted.

    Whoever syncs the file later then waits for its last megabytes only.
    """
    _LIBC.sync_file_range(descriptor, offset, length, _SYNC_FILE_RANGE_WRITE)


def fence(listener: socket.socket) -> None:
    """Let a listening TCP socket take no new connection, and lose none that has begun.

    Closing it instead would reset the connections that clients believe to be open and that
    nobody accepted yet. A client kept out here tries again by itself (its system repeats the
    SYN) and is refused plainly once the socket is closed.
    """
    code = b"".join(struct.pack("HBBI", *line) for line in _NO_NEW_CONNECTIONS)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HP", len(_NO_NEW_CONNECTIONS), ctypes.addressof(buffer))
    listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def name_process(name: str) -> None:
    """Name this process (its first 15 bytes) in the lists of ``ps`` and ``top``."""
    _LIBC.prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)
