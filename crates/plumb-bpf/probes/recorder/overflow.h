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

/* Which queue is full, in event.reason. */
enum full_queue { QUEUE_UNKNOWN, QUEUE_ACCEPT, QUEUE_SYN };

/* What decides whether a SYN is taken (sk_acceptq_is_full, inet_csk_reqsk_queue_is_full). */
INLINE u32 full_queue(u32 accept, u32 syn, u32 limit)
{
	if (accept > limit)
		return QUEUE_ACCEPT;
	/* Without any room at all, one that is idle is not called full. */
	return syn && syn >= limit ? QUEUE_SYN : QUEUE_UNKNOWN;
}

SEC("iter/bpf_map_elem")
int full_listeners(struct bpf_iter__bpf_map_elem *ctx)
{
	struct inet_connection_sock *listener;
	u32 accept, syn, limit, drops, dropped, full, before;
	struct watched *at = ctx->value;
	u64 *cookie = ctx->key;
	struct event *event;
	struct sock *sk;

	if (!at || !cookie)
		return 0;
	sk = (struct sock *)at->sk;
	if ((*cookie != at->sk && cookie_or_address(sk) != *cookie) ||
	    READ(&sk->__sk_common, skc_state) != TCP_LISTEN)
		return 0;
	listener = (struct inet_connection_sock *)sk;
	accept = READ(sk, sk_ack_backlog);
	limit = READ(sk, sk_max_ack_backlog);
	syn = READ(&listener->icsk_accept_queue, qlen).counter;
	drops = READ(sk, sk_drops).counter;
	dropped = at->looked ? drops - at->drops : 0;
	full = full_queue(accept, syn, limit);
	before = at->was_full;
	at->drops = drops;
	at->was_full = full;
	at->looked = 1;
	/* SYN cookies stand in for a full SYN queue, and then nothing is dropped. */
	if (!dropped && (full != QUEUE_SYN || before == QUEUE_SYN))
		return 0;
	event = begin_event(EVENT_LISTENER_FULL);
	if (!event)
		return 0;
	event->cookie = *cookie;
	event->tgid = at->tgid;
	event->old_state = TCP_LISTEN;
	event->new_state = TCP_LISTEN;
	/* What was full when they were dropped may have room again. */
	event->reason = full ? full : before;
	event->result = dropped;
	event->unread = accept;
	event->retransmits = syn;
	event->received = limit;
	put_ends(UNTYPED, event, sk);
	send_event(event);
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
