/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Which of the sockets that are followed has a port, so that a packet without a socket has an owner: one dropped
 * before the kernel had looked for its receiver, or because there is none. Kept with `made.h`, else empty.
 *
 * Sockets may share a port; the last that took it stands for all of them, so no packet is said to be of a certain
 * socket, only whose it is.
 */
#ifndef PLUMB_RECORDER_PORTS_H
#define PLUMB_RECORDER_PORTS_H

#include "state.h"

/* Mirrored in recorder/ports.rs. */
struct taken_key {
	u32 netns;
	u16 port;
	u16 protocol;
};

struct taken {
	u64 cookie;
	u32 tgid;
	u32 family;
	u8 local[16];
};

_Static_assert(sizeof(struct taken_key) == 8, "the Rust side writes 8 bytes");
_Static_assert(sizeof(struct taken) == 32, "the Rust side writes 32 bytes");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, struct taken_key);
	MAP_TYPE(value, struct taken);
} taken SEC(".maps");

/* 1: sockets are followed from the moment they are made. */
volatile const u32 MADE;

INLINE void take_port(const struct event *event)
{
	struct taken_key key = {
		.netns = event->netns,
		.port = event->local_port,
		.protocol = event->protocol,
	};
	struct taken taken_by = {
		.cookie = event->cookie,
		.tgid = event->tgid,
		.family = event->family,
	};

	__builtin_memcpy(taken_by.local, event->local, sizeof(taken_by.local));
	if (bpf_map_update_elem(&taken, &key, &taken_by, 0))
		count_lost(LOST_SOCKETS);
}

/* Another may have it by now. */
INLINE void leave_port(u64 cookie, const struct known *known, u16 protocol)
{
	struct taken_key key = {
		.netns = known->netns,
		.port = known->local_port,
		.protocol = protocol,
	};
	struct taken *by;

	if (!MADE || !key.port)
		return;
	by = bpf_map_lookup_elem(&taken, &key);
	if (by && by->cookie == cookie)
		bpf_map_delete_elem(&taken, &key);
}

/* Whether a socket bound to this address takes what comes for that one. */
INLINE bool is_for(const struct taken *by, u8 family, const u8 *address)
{
	const u64 *ours = (const u64 *)by->local, *theirs = (const u64 *)address;

	if (!ours[0] && !ours[1])
		return true;
	return by->family == family && ours[0] == theirs[0] && ours[1] == theirs[1];
}

/* Who takes what comes to this end of a packet. */
INLINE struct taken *taker_of(const struct event *packet, u16 port, const u8 *address)
{
	struct taken_key key = {
		.netns = packet->netns,
		.port = port,
		.protocol = packet->protocol,
	};
	struct taken *by = bpf_map_lookup_elem(&taken, &key);

	return by && is_for(by, packet->family, address) ? by : NULL;
}

#endif
