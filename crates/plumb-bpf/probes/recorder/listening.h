/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* The listeners whose queues are looked at (overflow.h), kept while they listen. */
#ifndef PLUMB_RECORDER_LISTENING_H
#define PLUMB_RECORDER_LISTENING_H

#include "state.h"

/* A listener, and how it was at the last look. */
struct watched {
	u64 sk; /* its address: what lies there is it as long as the cookie says so */
	u32 tgid;
	u32 drops;
	u32 was_full; /* enum full_queue */
	u32 looked;   /* 0: not once, so nothing can be said of before */
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
	struct watched begun = { .sk = (u64)sk, .tgid = tgid };

	/* One that stops and listens again keeps its count of drops, which is then that of before. */
	if (QUEUES && bpf_map_update_elem(&watched, &cookie, &begun, 0))
		count_lost(LOST_SOCKETS);
}

/* Where nobody had named it when it began, it is kept by its address. */
INLINE void unwatch_listener(u64 cookie, struct sock *sk)
{
	u64 address = (u64)sk;

	if (!QUEUES)
		return;
	bpf_map_delete_elem(&watched, &cookie);
	if (!HAVE_HELPERS)
		bpf_map_delete_elem(&watched, &address);
}

#endif
