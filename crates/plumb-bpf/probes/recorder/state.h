/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Maps and settings of the recorder. Every size is set by user space before loading (recorder/limits.rs).
 */
#ifndef PLUMB_RECORDER_STATE_H
#define PLUMB_RECORDER_STATE_H

#include "../kernel.h"
#include "event.h"

enum scope { SCOPE_HOST, SCOPE_PROCESSES, SCOPE_CGROUP };

/* Settings, constant once loaded: branches on them cost nothing. */
volatile const u32 SCOPE;
volatile const u64 SCOPE_CGROUP_ID;
volatile const u32 SCOPE_CGROUP_LEVEL;
/* The recorder itself, which is never recorded. */
volatile const u32 OWN_TGID;
/* Our namespace of processes when it is not the first one, else 0. */
volatile const u32 PID_NAMESPACE;
/* 1: bpf_get_socket_cookie, bpf_get_current_task_btf and bpf_task_pt_regs are there (5.15). */
volatile const u32 HAVE_HELPERS = 1;
/* 1: stacks are taken. */
volatile const u32 STACKS = 1;
/* 1: every change of state is told, else those that begin, end or decide something. */
volatile const u32 EVERY_STATE;
/* 1: packets that belong to no known socket are told as well. */
volatile const u32 STRANGERS;
/* The reason given for a packet that found a receive queue full; 0 where there is none. */
volatile const u32 FULL_REASON;
/* The reason given for what a closing socket still held, which is no loss; 0 where there is none. */
volatile const u32 PURGE_REASON;

/* Drops for these reasons alone are told, the rest is 0; all where there are none. */
#define MOST_REASONS 4
volatile const u32 ONLY_REASONS[MOST_REASONS];

/* What is remembered of a socket, so that what happens to it without its process has an owner. */
struct known {
	u32 tgid;
	u32 netns;
	u16 local_port;
	u16 peer_port;
	u8 family;
	u8 flags;
	u16 reserved;
	u8 local[16];
	u8 peer[16];
};

enum known_flags {
	KNOWN_OLDER = 1,
	KNOWN_END_OF_FILE = 2,
	KNOWN_EXITING = 4,
};

/* A plain hash: one that evicted would evict the sockets that are kept too long. */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u64);
	MAP_TYPE(value, struct known);
} sockets SEC(".maps");

/* Processes that are followed. */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u32);
} processes SEC(".maps");

/* Where followed processes listen, so that connections are theirs before accept() returns them. */
struct port_key {
	u32 netns;
	u32 port;
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, struct port_key);
	MAP_TYPE(value, u32);
} listeners SEC(".maps");

/* Stacks of which a copy was sent. */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u64);
	MAP_TYPE(value, u32);
} known_stacks SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_RINGBUF);
	MAP_UINT(max_entries, 4096);
} events SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_RINGBUF);
	MAP_UINT(max_entries, 4096);
} stacks SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	MAP_UINT(max_entries, LOST_KINDS);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u64);
} lost SEC(".maps");

INLINE void count_lost(u32 kind)
{
	u64 *count = bpf_map_lookup_elem(&lost, &kind);

	if (count)
		(*count)++;
}

#endif
