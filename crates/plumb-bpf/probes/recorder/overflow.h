/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Listeners whose queues are full. The SYN that finds no room is consumed, not dropped, and no tracepoint is on
 * its way, so the listeners that are known are looked at: an iterator walks their table at each look of user
 * space, and what they have dropped since the last look is told with what their queues hold then. It costs as
 * much as there are listeners, and the packets pay nothing.
 *
 * Minimum kernel version: 5.9 (iterator over maps, a5cbe05a6673).
 */
#ifndef PLUMB_RECORDER_OVERFLOW_H
#define PLUMB_RECORDER_OVERFLOW_H

#include "fallback.h"

SEC("iter/bpf_map_elem")
int full_listeners(struct bpf_iter__bpf_map_elem *ctx)
{
	struct watched *at = ctx->value;
	u64 *cookie = ctx->key;
	struct sock *sk;

	if (!at || !cookie)
		return 0;
	sk = (struct sock *)at->sk;
	if ((*cookie != at->sk && cookie_or_address(sk) != *cookie) ||
	    READ(&sk->__sk_common, skc_state) != TCP_LISTEN)
		return 0;
	tell_full(sk, *cookie, at);
	return 0;
}

/* Listeners that were there before the recorder, by the descriptors of those who hold them. */
SEC("iter/task_file")
int older_listeners(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct known *known;
	struct sock *sk;
	u64 cookie;

	if (!task || !file)
		return 0;
	sk = sock_of_file(NO_CASTS, file);
	if (!sk || READ(sk, sk_protocol) != IPPROTO_TCP ||
	    READ(&sk->__sk_common, skc_state) != TCP_LISTEN)
		return 0;
	cookie = cookie_or_address(sk);
	/* Those that are followed were told to us before. */
	known = bpf_map_lookup_elem(&sockets, &cookie);
	if (known)
		watch_listener(cookie, sk, known->tgid ? known->tgid : process_of(UNTYPED, task));
	return 0;
}

#endif
