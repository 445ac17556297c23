"""Runs a command as Linux 3.10 (RHEL 7) would: every system call that came later is answered with ENOSYS.

Usage: old_kernel.py COMMAND...; everything that the command starts inherits this. x86-64; asks the kernel to report
itself as 2.6, so that whoever compares versions takes the old way as well.
"""

import ctypes
import os
import struct
import sys

# The last one of 3.10 is finit_module; sched_setattr (314) is of 3.14. asm/unistd_64.h of both kernels.
LAST = 313
AUDIT_ARCH_X86_64 = 0xC000003E
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
RET_ALLOW, RET_ERRNO = 0x7FFF0000, 0x00050000
ENOSYS = 38
PERSONALITY_UNAME26 = 0x0020000
# linux/filter.h: load a word, jump if equal, jump if greater, return.
LOAD, EQUAL, GREATER, RETURN = 0x20, 0x15, 0x25, 0x06
# struct seccomp_data: the number, then the architecture.
NUMBER, ARCHITECTURE = 0, 4


class Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def instructions():
    """(code, where to jump if true, if false, operand) each."""
    yield LOAD, 0, 0, ARCHITECTURE
    yield EQUAL, 0, 3, AUDIT_ARCH_X86_64
    yield LOAD, 0, 0, NUMBER
    yield GREATER, 0, 1, LAST
    yield RETURN, 0, 0, RET_ERRNO | ENOSYS
    yield RETURN, 0, 0, RET_ALLOW


def main():
    libc = ctypes.CDLL(None, use_errno=True)
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in instructions())
    text = ctypes.create_string_buffer(code)
    program = Program(len(code) // 8, ctypes.cast(text, ctypes.c_void_p))
    if libc.personality(ctypes.c_ulong(PERSONALITY_UNAME26)) == -1:
        sys.exit(f"personality: {os.strerror(ctypes.get_errno())}")
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0):
        sys.exit(f"seccomp: {os.strerror(ctypes.get_errno())}")
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
