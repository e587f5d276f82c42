/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The listeners whose queues are looked at, kept while they listen: by whoever asks (overflow.h), and at their end,
 * when their queues still hold what they held.
 */
#ifndef PLUMB_RECORDER_LISTENING_H
#define PLUMB_RECORDER_LISTENING_H

#include "socket.h"

/* A listener, and how it was at the last look. */
struct watched {
	u64 sk; /* its address: what lies there is it as long as the cookie says so */
	u32 tgid;
	u32 drops;    /* then, or when it began to be watched */
	u32 was_full; /* enum full_queue */
	u32 reserved;
};

_Static_assert(sizeof(struct watched) == 24, "the iterator is told this size");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u64);
	MAP_TYPE(value, struct watched);
} watched SEC(".maps");

/* 1: listeners are watched. */
volatile const u32 QUEUES;

INLINE void watch_listener(u64 cookie, struct sock *sk, u32 tgid)
{
	/* What it dropped before is of another time: one that stops and listens again keeps its count. */
	struct watched begun = {
		.sk = (u64)sk,
		.tgid = tgid,
		.drops = READ(sk, sk_drops).counter,
	};

	if (QUEUES && bpf_map_update_elem(&watched, &cookie, &begun, 0))
		count_lost(LOST_SOCKETS);
}

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

/* Tells of one that has dropped something since the last look, or whose SYN queue is full. */
INLINE void tell_full(struct sock *sk, u64 cookie, struct watched *at)
{
	struct inet_connection_sock *listener = (struct inet_connection_sock *)sk;
	u32 accept = READ(sk, sk_ack_backlog);
	u32 limit = READ(sk, sk_max_ack_backlog);
	u32 syn = READ(&listener->icsk_accept_queue, qlen).counter;
	u32 drops = READ(sk, sk_drops).counter;
	u32 dropped = drops - at->drops;
	u32 full = full_queue(accept, syn, limit);
	u32 before = at->was_full;
	struct known *known;
	struct event *event;

	at->drops = drops;
	at->was_full = full;
	/* SYN cookies stand in for a full SYN queue, and then nothing is dropped. */
	if (!dropped && (full != QUEUE_SYN || before == QUEUE_SYN))
		return;
	event = begin_event(EVENT_LISTENER_FULL);
	if (!event)
		return;
	event->cookie = cookie;
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
	/* At its end it may have lost the port. */
	known = event->local_port ? NULL : bpf_map_lookup_elem(&sockets, &cookie);
	if (known)
		put_known_ends(event, known);
	send_event(event);
}

/* It listens no more: what it dropped since the last look is told. */
static __attribute__((noinline)) int unwatch_listener(struct sock *sk, u64 cookie)
{
	struct watched *at;
	u64 key = cookie;

	if (!QUEUES || !sk)
		return 0;
	at = bpf_map_lookup_elem(&watched, &key);
	/* Where nobody had named it when it began, it is kept by its address. */
	if (!at && !HAVE_HELPERS) {
		key = (u64)sk;
		at = bpf_map_lookup_elem(&watched, &key);
	}
	if (!at)
		return 0;
	tell_full(sk, cookie, at);
	bpf_map_delete_elem(&watched, &key);
	return 0;
}

#endif
