/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Sends of datagrams that the kernel refused for want of a way, which it hardly counts (Ip.OutNoRoutes is of ENETUNREACH
 * alone). Nothing is done when a call begins, and of one that succeeds its result alone is looked at: arguments are still
 * in the registers when it returns. Minimum kernel version: 5.5.
 */
#ifndef PLUMB_RECORDER_REFUSED_H
#define PLUMB_RECORDER_REFUSED_H

#include "arguments.h"

#define EACCES 13
#define EINVAL 22
#define ENETUNREACH 101
#define EHOSTUNREACH 113
#define IPPROTO_MPTCP 262

/* What routes of the kinds prohibit, blackhole and unreachable give, and their absence. */
INLINE bool may_be_routing(s64 result)
{
	return result == -EACCES || result == -EINVAL || result == -ENETUNREACH || result == -EHOSTUNREACH;
}

/* The arguments of a call that returns. */
INLINE void read_args_behind(u64 *args, void *regs)
{
	struct pt_regs___arm64 *arm64 = regs;

	read_args(args, regs);
	/* The first register has the result by now. */
	if (HAS(arm64, pc))
		args[0] = arm64->orig_x0;
}

/* The name in a struct msghdr, which is also how a struct mmsghdr begins. */
INLINE void put_message_address(struct call *call)
{
	u64 at = 0;
	u32 len = 0;

	if (bpf_probe_read_user(&at, sizeof(at), (void *)call->args[1]) ||
	    bpf_probe_read_user(&len, sizeof(len), (void *)(call->args[1] + sizeof(at))) || !at)
		return;
	if (len > CALL_ADDRESS_BYTES)
		len = CALL_ADDRESS_BYTES;
	if (len && !bpf_probe_read_user(call->address, len, (void *)at))
		call->address_len = len;
}

INLINE bool sends_datagrams(bool casts, struct sock *sk)
{
	u16 family = casts ? CAST(sk)->__sk_common.skc_family : READ(sk, __sk_common.skc_family);
	u16 protocol = casts ? CAST(sk)->sk_protocol : READ(sk, sk_protocol);

	return (family == AF_INET || family == AF_INET6) && protocol != IPPROTO_TCP &&
	       protocol != IPPROTO_MPTCP;
}

INLINE int on_refused(bool casts, u64 *ctx, u32 number, u32 flags)
{
	u32 tgid = current_tgid();
	struct call *call;
	struct sock *sk;
	u64 args[6] = {};

	if (is_foreign() || !in_scope(tgid))
		return 0;
	read_args_behind(args, (void *)ctx[0]);
	sk = sock_of(casts, args[0]);
	if (!sk || !sends_datagrams(casts, sk))
		return 0;
	call = bpf_ringbuf_reserve(&events, sizeof(*call), 0);
	if (!call) {
		count_lost(LOST_EVENTS);
		return 0;
	}
	__builtin_memset(call, 0, sizeof(*call));
	__builtin_memcpy(call->args, args, sizeof(args));
	call->event.time_ns = call->end_ns = bpf_ktime_get_ns();
	call->event.kind = EVENT_CALL;
	call->event.reason = number;
	call->event.received = ctx[1];
	put_task(&call->event, tgid);
	put_ends(UNTYPED, &call->event, sk);
	call->event.cookie = READ(sk, __sk_common.skc_cookie.counter);
	call->event.unread = READ(sk, __sk_common.skc_bound_dev_if);
	if (flags & CALL_MESSAGE)
		put_message_address(call);
	else
		put_call_address(call, flags);
	bpf_ringbuf_submit(call, BPF_RB_NO_WAKEUP);
	return 0;
}

#endif
