/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What older kernels have no tracepoint for, seen at functions of the kernel instead: errors left at sockets
 * (tracepoint: 5.14), bytes of UDP and UNIX sockets and reads that found the end (6.3), places of dropped
 * packets where there are no reasons (5.17). By fentry and fexit, else by kprobes; whether a kernel has the
 * functions, and lets them be watched, is found out by attaching.
 *
 * Minimum kernel version: 5.8 (ring buffers). Programs of kprobes get registers, not pointers that the
 * verifier knows, so they follow every pointer by a helper, and take a socket's cookie as it is.
 */
#ifndef PLUMB_RECORDER_FALLBACK_H
#define PLUMB_RECORDER_FALLBACK_H

#include "faults.h"
#include "opening.h"
#include "reading.h"
#include "traffic.h"

#define SOCK_SEQPACKET 5

/* Arguments of a function and what it returned, from the registers a kprobe is given. */
INLINE u64 argument(void *registers, u32 place)
{
	struct pt_regs___x86 *x86 = registers;
	struct pt_regs___arm64 *arm64 = registers;

	if (HAS(arm64, pc))
		return READ(arm64, regs[place]);
	switch (place) {
	case 0:
		return READ(x86, di);
	case 1:
		return READ(x86, si);
	case 2:
		return READ(x86, dx);
	default:
		return READ(x86, cx);
	}
}

INLINE s32 returned(void *registers)
{
	struct pt_regs___x86 *x86 = registers;
	struct pt_regs___arm64 *arm64 = registers;

	return HAS(arm64, pc) ? (s32)READ(arm64, regs[0]) : (s32)READ(x86, ax);
}

/* sock_def_error_report(struct sock *): where sockets of every protocol are told of their error. */
INLINE int on_error(bool typed, struct sock *sk)
{
	u16 family = PEEK(typed, sk, __sk_common.skc_family);
	s32 error = PEEK(typed, sk, sk_err);
	struct event *event;

	/* It is called of every family, and when an error queue has something to read. */
	if (!error || (family != AF_INET && family != AF_INET6))
		return 0;
	event = begin_fault(typed, EVENT_ERROR, sk);
	if (!event)
		return 0;
	event->result = -error;
	send_event(event);
	return 0;
}

SEC("fentry/sock_def_error_report")
int errors_at_function(u64 *ctx)
{
	return on_error(TYPED, (struct sock *)ctx[0]);
}

SEC("kprobe/sock_def_error_report")
int errors_at_probe(void *ctx)
{
	return on_error(UNTYPED, (struct sock *)argument(ctx, 0));
}

/* Below 5.17 kfree_skb says where a packet was dropped, not why: the code that called it. */
SEC("tp_btf/kfree_skb")
int drops_by_place(u64 *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx[0];
	u64 place = ctx[1];
	struct sock *sk = skb->sk;
	struct event *event;

	event = sk ? begin_fault(TYPED, EVENT_DROP, sk) : begin_stranger(EVENT_DROP, skb);
	if (!event)
		return 0;
	event->received = place;
	event->flags |= FLAG_PLACE;
	send_event(event);
	return 0;
}

/* A cookie that may not have been made: the address stands for it, as in COOKIE_OF. */
INLINE u64 cookie_or_address(struct sock *sk)
{
	u64 cookie = READ(&sk->__sk_common, skc_cookie).counter;

	return cookie ? cookie : (u64)sk;
}

INLINE int count_bytes(struct sock *sk, u64 cookie, s32 length, bool received)
{
	struct moved *moved;

	if (length <= 0 || READ(sk, sk_protocol) == IPPROTO_TCP)
		return 0;
	moved = moved_of(sk, cookie);
	if (moved)
		__sync_fetch_and_add(received ? &moved->received : &moved->sent, (u64)length);
	return 0;
}

INLINE int on_function_sent(struct socket *socket, s32 length)
{
	struct sock *sk = socket->sk;

	return sk ? count_bytes(sk, COOKIE_OF(sk), length, false) : 0;
}

INLINE int on_function_received(struct socket *socket, s32 flags, s32 length)
{
	struct sock *sk = socket->sk;

	return sk && !(flags & MSG_PEEK) ? count_bytes(sk, COOKIE_OF(sk), length, true) : 0;
}

/* SOCK_SEQPACKET sockets pass on to the functions of SOCK_DGRAM: what they move is counted once. */
INLINE bool passed_on(struct socket *socket)
{
	return socket->type == SOCK_SEQPACKET;
}

/* …_sendmsg(struct socket *, struct msghdr *, size_t) and what it returned. */
#define BYTES_SENT(name, function, unless)                                                         \
	SEC("fexit/" #function)                                                                    \
	int name(u64 *ctx)                                                                         \
	{                                                                                          \
		struct socket *socket = (struct socket *)ctx[0];                                   \
												   \
		return unless(socket) ? 0 : on_function_sent(socket, (s32)ctx[3]);                 \
	}

/* …_recvmsg(struct socket *, struct msghdr *, size_t, int flags) and what it returned. */
#define BYTES_RECEIVED(name, function, unless)                                                     \
	SEC("fexit/" #function)                                                                    \
	int name(u64 *ctx)                                                                         \
	{                                                                                          \
		struct socket *socket = (struct socket *)ctx[0];                                   \
												   \
		return unless(socket) ? 0 :                                                        \
					on_function_received(socket, (s32)ctx[3], (s32)ctx[4]);    \
	}

#define never(socket) false

BYTES_SENT(inet_sent, inet_sendmsg, never)
BYTES_SENT(inet6_sent, inet6_sendmsg, never)
BYTES_SENT(unix_stream_sent, unix_stream_sendmsg, never)
BYTES_SENT(unix_dgram_sent, unix_dgram_sendmsg, passed_on)
BYTES_SENT(unix_seqpacket_sent, unix_seqpacket_sendmsg, never)
BYTES_RECEIVED(inet_received, inet_recvmsg, never)
BYTES_RECEIVED(inet6_received, inet6_recvmsg, never)
BYTES_RECEIVED(unix_stream_received, unix_stream_recvmsg, never)
BYTES_RECEIVED(unix_dgram_received, unix_dgram_recvmsg, passed_on)
BYTES_RECEIVED(unix_seqpacket_received, unix_seqpacket_recvmsg, never)

/*
 * A send or receive under way, by thread: the end of a function has no arguments. A function that passes on to
 * another leaves one entry, which the inner one takes away, so nothing is counted twice.
 */
struct moving {
	u64 sk;
	s32 flags;
	u32 reserved;
};

/* Who asks: each takes away its own. */
enum mover { BYTES, READS };

struct moving_key {
	u32 tid;
	u32 mover;
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, struct moving_key);
	MAP_TYPE(value, struct moving);
} moving SEC(".maps");

INLINE int on_probe_begins(void *ctx, s32 flags, u32 mover)
{
	struct moving begun = { .flags = flags };
	struct moving_key key = { .tid = bpf_get_current_pid_tgid(), .mover = mover };

	begun.sk = (u64)READ((struct socket *)argument(ctx, 0), sk);
	if (begun.sk && in_scope(current_tgid()) && bpf_map_update_elem(&moving, &key, &begun, 0))
		count_lost(LOST_CALLS);
	return 0;
}

INLINE bool take_moving(struct moving *ended, u32 mover)
{
	struct moving_key key = { .tid = bpf_get_current_pid_tgid(), .mover = mover };
	struct moving *found = bpf_map_lookup_elem(&moving, &key);

	if (!found)
		return false;
	*ended = *found;
	bpf_map_delete_elem(&moving, &key);
	return true;
}

SEC("kprobe/inet_sendmsg")
int send_begins(void *ctx)
{
	return on_probe_begins(ctx, 0, BYTES);
}

SEC("kretprobe/inet_sendmsg")
int send_ends(void *ctx)
{
	struct moving ended;
	struct sock *sk;

	if (!take_moving(&ended, BYTES))
		return 0;
	sk = (struct sock *)ended.sk;
	return count_bytes(sk, cookie_or_address(sk), returned(ctx), false);
}

SEC("kprobe/inet_recvmsg")
int receive_begins(void *ctx)
{
	return on_probe_begins(ctx, argument(ctx, 3), BYTES);
}

SEC("kretprobe/inet_recvmsg")
int receive_ends(void *ctx)
{
	struct moving ended;
	struct sock *sk;

	if (!take_moving(&ended, BYTES) || ended.flags & MSG_PEEK)
		return 0;
	sk = (struct sock *)ended.sk;
	return count_bytes(sk, cookie_or_address(sk), returned(ctx), true);
}

SEC("kprobe/inet_recvmsg")
int read_begins(void *ctx)
{
	return on_probe_begins(ctx, argument(ctx, 3), READS);
}

SEC("kretprobe/inet_recvmsg")
int read_ends(void *ctx)
{
	struct moving ended;

	if (!take_moving(&ended, READS))
		return 0;
	return on_received(UNTYPED, (struct sock *)ended.sk, returned(ctx), ended.flags);
}

#endif
