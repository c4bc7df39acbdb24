"""What the process that reads other people's files may still do: read files, compute, and answer through its pipe.

On Linux a seccomp filter refuses it network, new and changed files, other programs and other processes, for good. No
library for it is kept and installs everywhere (pyseccomp needs the system's libseccomp and rests since 2021, landlock
has no stable release and needs a kernel of 2021), so the few instructions of the filter stand here.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Place in the table below, and AUDIT_ARCH of linux/audit.h."""

_DENIED: dict[str, tuple[int, int | None]] = {
    "socket": (41, 198), "creat": (85, None), "mkdir": (83, None), "mkdirat": (258, 34), "mknod": (133, None),
    "mknodat": (259, 33), "link": (86, None), "linkat": (265, 37), "symlink": (88, None), "symlinkat": (266, 36),
    "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276), "unlink": (87, None), "unlinkat": (263, 35),
    "rmdir": (84, None), "truncate": (76, 45), "chmod": (90, None), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, None), "lchown": (94, None), "fchownat": (260, 54), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
    "execve": (59, 221), "execveat": (322, 281), "kill": (62, 129), "tkill": (200, 130), "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_open": (434, 434), "bpf": (321, 280),
    "perf_event_open": (298, 241), "open_by_handle_at": (304, 265), "unshare": (272, 97), "setns": (308, 268),
    "mount": (165, 40), "keyctl": (250, 219), "add_key": (248, 217), "userfaultfd": (323, 282),
}  # fmt: skip
"""Numbers of system calls on x86-64 and on 64-bit ARM, None where it has no such call."""

_UNKNOWN = {"openat2": 437, "io_uring_setup": 425}
"""Calls whose arguments a filter cannot see: as if the kernel had none of them, for which libraries are prepared."""

_OPEN: dict[str, tuple[tuple[int, int | None], int]] = {"open": ((2, None), 1), "openat": ((257, 56), 2)}
"""Calls that open a file, and which argument says for what."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_LOAD, _EQUAL, _AT_LEAST, _SHARES, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_X32 = 0x40000000
_NO_NEW_PRIVILEGES, _SECCOMP, _SET_FILTER, _ALL_THREADS = 38, (317, 277), 1, 1


def confine() -> str:
    """Refuse this process, and all that it begins, what it does not need; why that is not so, empty where it is."""
    if sys.platform != "linux":
        return f"{platform.system() or 'this system'} has no such filter"
    if platform.machine() not in _ARCHITECTURES:
        return f"the system calls of {platform.machine()} are not listed"
    place, architecture = _ARCHITECTURES[platform.machine()]
    program = _program(place, architecture)
    buffer = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    if libc.prctl(_NO_NEW_PRIVILEGES, ctypes.c_ulong(1), zero, zero, zero):
        return f"the kernel does not let it give up privileges ({os.strerror(ctypes.get_errno())})"
    if libc.syscall(_SECCOMP[place], _SET_FILTER, _ALL_THREADS, ctypes.c_char_p(head)):
        return f"the kernel takes no filter of system calls ({os.strerror(ctypes.get_errno())})"
    return ""


def _program(place: int, architecture: int) -> bytes:
    """The filter, in the instructions of Linux's BPF (linux/filter.h): code, jump if true, jump if false, number."""
    denied = [number for numbers in _DENIED.values() if (number := numbers[place]) is not None]
    opening = [(number, argument) for numbers, argument in _OPEN.values() if (number := numbers[place]) is not None]
    # From the end, so that each jump is known: the three answers, then what leads there.
    lines = [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _ERROR | errno.EPERM), (_RETURN, 0, 0, _ERROR | errno.ENOSYS)]
    allow, deny, unknown = 3, 2, 1

    def to(answer: int) -> int:
        return len(lines) - answer

    for number, argument in opening:
        lines.insert(0, (_SHARES, to(deny), to(allow), _WRITING))
        lines.insert(0, (_LOAD, 0, 0, 16 + 8 * argument))  # its lower half: both machines are little-endian
        lines.insert(0, (_EQUAL, 0, 2, number))
    for number in _UNKNOWN.values():
        lines.insert(0, (_EQUAL, to(unknown), 0, number))
    for number in denied:
        lines.insert(0, (_EQUAL, to(deny), 0, number))
    lines.insert(0, (_AT_LEAST, to(deny), 0, _X32))  # the same calls under other numbers
    lines.insert(0, (_LOAD, 0, 0, 0))
    lines.insert(0, (_EQUAL, 0, to(deny), architecture))
    lines.insert(0, (_LOAD, 0, 0, 4))
    return b"".join(struct.pack("HBBI", *line) for line in lines)
