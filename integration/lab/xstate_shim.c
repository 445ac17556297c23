/*
 * Preloaded into User Mode Linux: makes it run on processors whose XSAVE area is larger than UML's buffer.
 *
 * UML (seen with 6.1 and 6.12) keeps a task's floating-point state in about 2.7 kB and moves it with
 * PTRACE_GETREGSET / PTRACE_SETREGSET (NT_X86_XSTATE). Processors with AMX have more: the host's kernel cuts a short
 * read, but refuses a short write, and UML dies at its first return to user space ("ptrace set fp regs failed,
 * errno = 14"). Here a short write is completed from the task's present state, with both AMX components marked as
 * unused. On other processors nothing changes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define NT_X86_XSTATE 0x202
#define GET_REGISTERS 0x4204
#define SET_REGISTERS 0x4205
/* Where XSTATE_BV stands in the area, and the bits of XTILECFG and XTILEDATA in it. */
#define XSTATE_BV 512
#define AMX ((1ull << 17) | (1ull << 18))

static char area[65536] __attribute__((aligned(64)));

static long write_state(long pid, const struct iovec *given)
{
	struct iovec whole = { area, sizeof(area) };
	uint64_t present;
	size_t length;

	if (syscall(SYS_ptrace, GET_REGISTERS, pid, NT_X86_XSTATE, &whole) < 0)
		return -1;
	length = given->iov_len < whole.iov_len ? given->iov_len : whole.iov_len;
	memcpy(area, given->iov_base, length);
	if (whole.iov_len > length) {
		memcpy(&present, area + XSTATE_BV, sizeof(present));
		present &= ~AMX;
		memcpy(area + XSTATE_BV, &present, sizeof(present));
	}
	return syscall(SYS_ptrace, SET_REGISTERS, pid, NT_X86_XSTATE, &whole);
}

long ptrace(enum __ptrace_request request, ...)
{
	va_list arguments;
	long pid, address, data, word;

	va_start(arguments, request);
	pid = va_arg(arguments, long);
	address = va_arg(arguments, long);
	data = va_arg(arguments, long);
	va_end(arguments);
	if ((long)request == SET_REGISTERS && address == NT_X86_XSTATE)
		return write_state(pid, (const struct iovec *)data);
	if (request == PTRACE_PEEKTEXT || request == PTRACE_PEEKDATA || request == PTRACE_PEEKUSER) {
		/* The library's wrapper returns the word itself. */
		if (syscall(SYS_ptrace, request, pid, address, &word) != 0)
			return -1;
		errno = 0;
		return word;
	}
	return syscall(SYS_ptrace, request, pid, address, data);
}
