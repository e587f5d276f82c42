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
	u32 netns;
	u16 family;
	u16 local_port;
	u16 peer_port;
	u8 type;
	u8 protocol;
	u8 local[16];
	u8 peer[16];
};

_Static_assert(sizeof(struct moved) == 64, "the Rust side decodes 64 bytes");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u64);
	MAP_TYPE(value, struct moved);
} traffic SEC(".maps");

/* Makes an entry; what the socket is, is noted because no reading may ever see it. */
static __attribute__((noinline)) int begin_moved(struct sock *sk, u64 cookie, u32 tgid)
{
	struct moved moved = { .tgid = tgid };

	if (!sk)
		return 0;
	moved.netns = netns_of(UNTYPED, sk);
	moved.family = READ(sk, __sk_common.skc_family);
	moved.type = READ(sk, sk_type);
	moved.protocol = READ(sk, sk_protocol);
	if (moved.family == AF_INET || moved.family == AF_INET6) {
		moved.local_port = READ(sk, __sk_common.skc_num);
		moved.peer_port = __builtin_bswap16(READ(sk, __sk_common.skc_dport));
	}
	if (moved.family == AF_INET6) {
		*(struct in6_addr *)moved.local = READ(sk, __sk_common.skc_v6_rcv_saddr);
		*(struct in6_addr *)moved.peer = READ(sk, __sk_common.skc_v6_daddr);
	} else if (moved.family == AF_INET) {
		*(u32 *)moved.local = READ(sk, __sk_common.skc_rcv_saddr);
		*(u32 *)moved.peer = READ(sk, __sk_common.skc_daddr);
	}
	if (bpf_map_update_elem(&traffic, &cookie, &moved, BPF_NOEXIST))
		count_lost(LOST_TRAFFIC);
	return 0;
}

INLINE struct moved *moved_of(struct sock *sk, u64 cookie)
{
	struct moved *moved = bpf_map_lookup_elem(&traffic, &cookie);
	u32 tgid;

	if (moved)
		return moved;
	tgid = current_tgid();
	if (!in_scope(tgid))
		return NULL;
	begin_moved(sk, cookie, tgid);
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
	moved = moved_of(sk, COOKIE_OF(sk));
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
	moved = moved_of(sk, COOKIE_OF(sk));
	if (moved)
		__sync_fetch_and_add(&moved->received, (u64)length);
	return 0;
}

#endif
