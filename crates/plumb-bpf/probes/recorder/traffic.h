/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Bytes that UDP, UNIX and other sockets moved: the kernel keeps no totals of them. TCP's are in tcp_info and
 * cost nothing here. Minimum kernel version: 6.3 (sock_send_length, sock_recv_length).
 */
#ifndef PLUMB_RECORDER_TRAFFIC_H
#define PLUMB_RECORDER_TRAFFIC_H

#include "socket.h"

#define MSG_PEEK_FLAG 2

/* Mirrored in recorder/traffic.rs. */
struct moved {
	u64 sent;
	u64 received;
	u32 tgid;
	u32 reserved;
};

_Static_assert(sizeof(struct moved) == 24, "the Rust side decodes 24 bytes");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u64);
	MAP_TYPE(value, struct moved);
} traffic SEC(".maps");

INLINE struct moved *moved_of(u64 cookie)
{
	struct moved *moved = bpf_map_lookup_elem(&traffic, &cookie);
	struct moved none = {};

	if (moved)
		return moved;
	none.tgid = current_tgid();
	if (!in_scope(none.tgid))
		return NULL;
	if (bpf_map_update_elem(&traffic, &cookie, &none, BPF_NOEXIST))
		count_lost(LOST_TRAFFIC);
	return bpf_map_lookup_elem(&traffic, &cookie);
}

SEC("tp_btf/sock_send_length")
int bytes_sent(u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	s32 length = ctx[1];
	struct moved *moved;

	if (length <= 0 || sk->sk_protocol == IPPROTO_TCP)
		return 0;
	moved = moved_of(COOKIE_OF(sk));
	if (moved)
		__sync_fetch_and_add(&moved->sent, (u64)length);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int bytes_received(u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	s32 length = ctx[1], flags = ctx[2];
	struct moved *moved;

	if (length <= 0 || flags & MSG_PEEK_FLAG || sk->sk_protocol == IPPROTO_TCP)
		return 0;
	moved = moved_of(COOKIE_OF(sk));
	if (moved)
		__sync_fetch_and_add(&moved->received, (u64)length);
	return 0;
}

#endif
