/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Every call of the network, told when it returns: number, arguments, result, the socket behind the
 * descriptor, the address it was given and the first bytes of what it moved. Attached only when asked for:
 * all system calls of the machine pass here. Minimum kernel version: 5.5.
 */
#ifndef PLUMB_RECORDER_CALLS_H
#define PLUMB_RECORDER_CALLS_H

#include "opening.h"

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
};

/* 1: the stack of each call is taken. */
volatile const u32 CALL_STACKS;

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, CALL_NUMBERS);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u32);
} call_flags SEC(".maps");

/* A call that has not returned, by thread. Mirrored in recorder/decode.rs. */
struct under_way {
	struct event event;
	u64 args[6];
};

_Static_assert(sizeof(struct under_way) == 176, "the Rust side decodes 176 bytes");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct under_way);
} calls SEC(".maps");

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

INLINE void put_socket(struct event *event, struct sock *sk)
{
	event->cookie = cookie_read(sk);
	event->new_state = READ(&sk->__sk_common, skc_state);
	put_ends(UNTYPED, event, sk);
}

SEC("tp_btf/sys_enter")
int calls_begin(u64 *ctx)
{
	u32 number = ctx[1], tid, tgid;
	u32 *flags = bpf_map_lookup_elem(&call_flags, &number);
	struct under_way call = {};
	struct sock *sk;

	if (!flags || !*flags)
		return 0;
	tgid = current_tgid();
	if (!in_scope(tgid))
		return 0;
	read_args(call.args, (void *)ctx[0]);
	if (*flags & CALL_SOCKET) {
		sk = sock_of(call.args[0]);
		if (!sk)
			return 0;
		put_socket(&call.event, sk);
	}
	call.event.time_ns = bpf_ktime_get_ns();
	call.event.kind = EVENT_CALL;
	call.event.reason = number;
	put_task(&call.event, tgid);
	if (CALL_STACKS)
		call.event.stack = take_stack(tgid, call.event.tid);
	tid = (u32)bpf_get_current_pid_tgid();
	if (bpf_map_update_elem(&calls, &tid, &call, 0))
		count_lost(LOST_CALLS);
	return 0;
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

/* Where the first bytes of a call's data are. */
INLINE u64 data_of(const struct call *call, u32 flags)
{
	u64 at = call->args[1];

	if (flags & CALL_BYTES)
		return at;
	if (flags & CALL_MESSAGE) {
		/* struct msghdr: name, its length, then the vector. */
		u64 vector = 0;

		if (bpf_probe_read_user(&vector, sizeof(vector), (void *)(at + 16)))
			return 0;
		at = vector;
	} else if (!(flags & CALL_VECTOR)) {
		return 0;
	}
	u64 first = 0;

	if (bpf_probe_read_user(&first, sizeof(first), (void *)at))
		return 0;
	return first;
}

INLINE void put_call_payload(struct call *call, u32 flags, s64 result)
{
	u64 at, len = result;

	if (result <= 0)
		return;
	at = data_of(call, flags);
	if (len > CALL_PAYLOAD_BYTES)
		len = CALL_PAYLOAD_BYTES;
	if (at && !bpf_probe_read_user(call->payload, len, (void *)at))
		call->payload_len = len;
}

SEC("tp_btf/sys_exit")
int calls_end(u64 *ctx)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();
	struct under_way *begun = bpf_map_lookup_elem(&calls, &tid);
	s64 result = ctx[1];
	u32 number, *flags;
	struct call *call;
	struct sock *sk;

	if (!begun)
		return 0;
	call = bpf_ringbuf_reserve(&events, sizeof(*call), 0);
	if (!call) {
		count_lost(LOST_EVENTS);
		goto out;
	}
	__builtin_memset(call, 0, sizeof(*call));
	call->event = begun->event;
	__builtin_memcpy(call->args, begun->args, sizeof(call->args));
	call->end_ns = bpf_ktime_get_ns();
	call->event.received = result;
	number = call->event.reason;
	flags = bpf_map_lookup_elem(&call_flags, &number);
	if (flags) {
		/* After connect() and the like the socket has ends that it had not before. */
		sk = *flags & CALL_SOCKET ? sock_of(call->args[0]) : NULL;
		if (sk)
			put_socket(&call->event, sk);
		put_call_address(call, *flags);
		put_call_payload(call, *flags, result);
	}
	bpf_ringbuf_submit(call, BPF_RB_NO_WAKEUP);
out:
	bpf_map_delete_elem(&calls, &tid);
	return 0;
}

#endif
