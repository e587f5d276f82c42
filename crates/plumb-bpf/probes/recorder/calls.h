/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Every call of the network, told when it returns: number, arguments, result, the socket behind the
 * descriptor, the address it was given and the first bytes of what it moved. Attached only when asked for:
 * all system calls of the machine pass here. Minimum kernel version: 5.5; from 6.2 on it costs less (CAST).
 */
#ifndef PLUMB_RECORDER_CALLS_H
#define PLUMB_RECORDER_CALLS_H

#include "refused.h"

/* 1: the stack of each call is taken. */
volatile const u32 CALL_STACKS;

/* A thread that makes its first call; NULL where it is none we were asked about. */
static __attribute__((noinline)) struct caller *first_call(u64 thread)
{
	u32 tid = (u32)thread, tgid = current_tgid(), zero = 0;
	struct caller *caller;

	if (!in_scope(tgid))
		return NULL;
	caller = bpf_map_lookup_elem(&new_caller, &zero);
	if (!caller)
		return NULL;
	caller->thread = thread;
	caller->call.event.kind = EVENT_CALL;
	caller->call.event.flags = FLAG_IN_CALL;
	caller->call.event.tgid = tgid;
	caller->call.event.tid = current_tid();
	if (bpf_map_update_elem(&calls, &tid, caller, 0)) {
		count_lost(LOST_CALLS);
		return NULL;
	}
	return bpf_map_lookup_elem(&calls, &tid);
}

INLINE struct caller *caller_of(u64 thread)
{
	u32 tid = (u32)thread;
	struct caller *caller = bpf_map_lookup_elem(&calls, &tid);

	/* A process stays followed while it lives; it may leave its cgroup. */
	if (!caller || caller->thread != thread)
		return first_call(thread);
	if (SCOPE == SCOPE_CGROUP && !in_scope(caller->call.event.tgid))
		return NULL;
	return caller;
}

/* Calls of sockets among those of 32-bit programs on x86 (asm/unistd_32.h). */
#define FOREIGN_SOCKETCALL 102
#define FOREIGN_SOCKET 359
#define FOREIGN_SHUTDOWN 373

static __attribute__((noinline)) int on_foreign_begins(u32 number)
{
	if ((number == FOREIGN_SOCKETCALL || (number >= FOREIGN_SOCKET && number <= FOREIGN_SHUTDOWN)) &&
	    in_scope(current_tgid()))
		count_lost(LOST_FOREIGN);
	return 0;
}

INLINE int on_begins(bool casts, u64 *ctx)
{
	u32 number = ctx[1];
	u32 *flags = bpf_map_lookup_elem(&call_flags, &number);
	struct caller *caller;
	struct event *event;
	struct sock *sk;

	if (is_foreign())
		return on_foreign_begins(number);
	if (!flags || !*flags || *flags & CALL_REFUSED)
		return 0;
	caller = caller_of(bpf_get_current_pid_tgid());
	if (!caller)
		return 0;
	event = &caller->call.event;
	caller->flags = *flags;
	read_args(caller->call.args, (void *)ctx[0]);
	caller->under_way = 0;
	if (*flags & CALL_SOCKET) {
		sk = sock_of(casts, caller->call.args[0]);
		if (!sk)
			return 0;
		put_socket(casts, caller, sk);
	} else {
		put_no_socket(caller);
	}
	event->reason = number;
	put_comm(casts, event);
	if (CALL_STACKS)
		event->stack = take_stack(event->tgid, event->tid);
	event->time_ns = bpf_ktime_get_ns();
	caller->under_way = 1;
	return 0;
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

INLINE int on_ends(bool casts, u64 *ctx)
{
	u32 number = number_of((void *)ctx[0]), tid, bytes;
	u32 *wanted = bpf_map_lookup_elem(&call_flags, &number);
	struct caller *caller;
	struct call *call;
	s64 result = ctx[1];

	if (!wanted || !*wanted)
		return 0;
	if (*wanted & CALL_REFUSED)
		return may_be_routing(result) ? on_refused(casts, ctx, number, *wanted) : 0;
	tid = (u32)bpf_get_current_pid_tgid();
	caller = bpf_map_lookup_elem(&calls, &tid);
	if (!caller || !caller->under_way)
		return 0;
	caller->under_way = 0;
	call = &caller->call;
	call->end_ns = bpf_ktime_get_ns();
	call->event.received = result;
	if (caller->flags & CALL_SOCKET && !(caller->flags & CALL_CLOSES))
		refresh_socket(casts, caller);
	call->address_len = 0;
	call->payload_len = 0;
	put_call_address(call, caller->flags);
	put_call_payload(call, caller->flags, result);
	bytes = offsetof(struct call, payload) + call->payload_len;
	if (call->address_len)
		bytes = offsetof(struct call, address) + call->address_len;
	if (bytes > sizeof(*call))
		return 0;
	if (bpf_ringbuf_output(&events, call, bytes, BPF_RB_NO_WAKEUP))
		count_lost(LOST_EVENTS);
	return 0;
}

SEC("tp_btf/sys_enter")
int calls_begin(u64 *ctx)
{
	return on_begins(CASTS, ctx);
}

SEC("tp_btf/sys_exit")
int calls_end(u64 *ctx)
{
	return on_ends(CASTS, ctx);
}

/* The same where there are no casts. Minimum kernel version: 5.5. */
SEC("tp_btf/sys_enter")
int calls_begin_old(u64 *ctx)
{
	return on_begins(NO_CASTS, ctx);
}

SEC("tp_btf/sys_exit")
int calls_end_old(u64 *ctx)
{
	return on_ends(NO_CASTS, ctx);
}

/* A thread that ends makes room; one that was killed in a call is told as it was in it. */
SEC("tp_btf/sched_process_exit")
int callers_end(u64 *ctx)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();
	struct caller *caller = bpf_map_lookup_elem(&calls, &tid);

	(void)ctx;
	if (caller && !caller->under_way)
		bpf_map_delete_elem(&calls, &tid);
	return 0;
}

#endif
