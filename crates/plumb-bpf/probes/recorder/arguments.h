/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What is known of a call by its number, and its arguments: in the registers, and the address behind them. */
#ifndef PLUMB_RECORDER_ARGUMENTS_H
#define PLUMB_RECORDER_ARGUMENTS_H

#include "caller.h"

#define CALL_NUMBERS 512

/* What is known of a call by its number (recorder/calls.rs fills the table). */
enum call_flags {
	CALL_WANTED = 1,
	/* The first argument is a descriptor, and only sockets are of interest. */
	CALL_SOCKET = 2,
	/* (fd, address, length) */
	CALL_ADDRESS_1 = 4,
	/* (fd, bytes, length, flags, address, length) */
	CALL_ADDRESS_4 = 8,
	/* (fd, bytes, length, ...) */
	CALL_BYTES = 16,
	/* (fd, struct msghdr *, ...) */
	CALL_MESSAGE = 32,
	/* (fd, struct iovec *, count) */
	CALL_VECTOR = 64,
	/* The address is written by the call, its length behind a pointer. */
	CALL_TOLD = 128,
	/* Behind it the socket may be gone, so it is told as it was before. */
	CALL_CLOSES = 256,
	/* A send that is told where the routing may have refused it, and else not looked at (refused.h). */
	CALL_REFUSED = 512,
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, CALL_NUMBERS);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u32);
} call_flags SEC(".maps");

/* Of the tracepoint's argument, whose type the verifier knows. */
INLINE void read_args(u64 *args, void *regs)
{
	struct pt_regs___x86 *x86 = regs;
	struct pt_regs___arm64 *arm64 = regs;

	if (HAS(x86, di)) {
		args[0] = x86->di;
		args[1] = x86->si;
		args[2] = x86->dx;
		args[3] = x86->r10;
		args[4] = x86->r8;
		args[5] = x86->r9;
	} else if (HAS(arm64, pc)) {
		bpf_probe_read_kernel(args, 6 * sizeof(*args), arm64->regs);
	}
}

/* The number of the call that returns. */
INLINE u32 number_of(void *regs)
{
	struct pt_regs___x86 *x86 = regs;
	struct pt_regs___arm64 *arm64 = regs;

	if (HAS(x86, orig_ax))
		return x86->orig_ax;
	if (HAS(arm64, syscallno))
		return arm64->syscallno;
	return CALL_NUMBERS;
}

INLINE void put_call_address(struct call *call, u32 flags)
{
	u64 at = flags & CALL_ADDRESS_4 ? call->args[4] : call->args[1];
	u64 len = flags & CALL_ADDRESS_4 ? call->args[5] : call->args[2];

	if (!(flags & (CALL_ADDRESS_1 | CALL_ADDRESS_4)) || !at)
		return;
	if (flags & CALL_TOLD) {
		u32 told = 0;

		if (bpf_probe_read_user(&told, sizeof(told), (void *)len))
			return;
		len = told;
	}
	if (len > CALL_ADDRESS_BYTES)
		len = CALL_ADDRESS_BYTES;
	if (len && !bpf_probe_read_user(call->address, len, (void *)at))
		call->address_len = len;
}

#endif
