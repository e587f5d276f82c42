/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* A socket's identity, ends and totals, put into an event. */
#ifndef PLUMB_RECORDER_SOCKET_H
#define PLUMB_RECORDER_SOCKET_H

#include "scope.h"

#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6
#define RCV_SHUTDOWN 1
/* sock_flag(sk, SOCK_DONE): the peer's end of the stream has come. */
#define SOCK_DONE (1 << 1)

enum tcp_state {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
	TCP_CLOSING,
	TCP_NEW_SYN_RECV,
};

/*
 * The socket's name for ever. The helper makes one where nobody asked before; below 5.12 programs like
 * ours have no such helper, and what has no cookie then goes by its address in memory, marked by its
 * highest bit, which the kernel's counting never reaches.
 */
#define COOKIE_OF(sk)                                                                              \
	({                                                                                         \
		u64 cookie_ = (sk)->__sk_common.skc_cookie.counter;                                \
		if (!cookie_)                                                                      \
			cookie_ = HAVE_HELPERS ? bpf_get_socket_cookie(sk) : (u64)(sk);            \
		cookie_;                                                                           \
	})

INLINE u32 netns_of(bool typed, struct sock *sk)
{
	struct net *net = PEEK(typed, sk, __sk_common.skc_net.net);

	return PEEK(typed, net, ns.inum);
}

INLINE struct event *begin_event(u16 kind)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		count_lost(LOST_EVENTS);
		return NULL;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->time_ns = bpf_ktime_get_ns();
	event->kind = kind;
	return event;
}

INLINE void send_event(struct event *event)
{
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

INLINE void put_task(struct event *event, u32 tgid)
{
	event->tgid = tgid;
	event->tid = current_tid();
	event->flags |= FLAG_IN_CALL;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
}

INLINE void put_ends(bool typed, struct event *event, struct sock *sk)
{
	u16 family = PEEK(typed, sk, __sk_common.skc_family);

	event->family = family;
	event->protocol = PEEK(typed, sk, sk_protocol);
	event->netns = netns_of(typed, sk);
	event->local_port = PEEK(typed, sk, __sk_common.skc_num);
	event->peer_port = __builtin_bswap16(PEEK(typed, sk, __sk_common.skc_dport));
	if (family == AF_INET6) {
		/* A helper call for each: an array of bytes is loaded byte by byte. */
		*(struct in6_addr *)event->local = READ(sk, __sk_common.skc_v6_rcv_saddr);
		*(struct in6_addr *)event->peer = READ(sk, __sk_common.skc_v6_daddr);
	} else if (family == AF_INET) {
		*(u32 *)event->local = PEEK(typed, sk, __sk_common.skc_rcv_saddr);
		*(u32 *)event->peer = PEEK(typed, sk, __sk_common.skc_daddr);
	}
}

/* The ends as they were: at its end a socket may have lost its port. */
INLINE void put_known_ends(struct event *event, const struct known *known)
{
	event->netns = known->netns;
	if (event->local_port == 0)
		event->local_port = known->local_port;
	if (event->peer_port == 0) {
		event->peer_port = known->peer_port;
		__builtin_memcpy(event->peer, known->peer, sizeof(event->peer));
		__builtin_memcpy(event->local, known->local, sizeof(event->local));
	}
}

INLINE void put_totals(bool typed, struct event *event, struct sock *sk)
{
	/* For the verifier a pointer of another type; it is the same address. */
	struct tcp_sock *tcp = typed ? bpf_skc_to_tcp_sock(sk) : (struct tcp_sock *)sk;
	u64 received;
	u32 fin, unread;

	if (!tcp)
		return;
	/* Not sk_shutdown: our own close() sets that, too. */
	fin = PEEK(typed, sk, __sk_common.skc_flags) & SOCK_DONE ? 1 : 0;
	received = PEEK(typed, tcp, bytes_received);
	unread = PEEK(typed, tcp, rcv_nxt) - PEEK(typed, tcp, copied_seq);
	/* The end-of-file counts as a byte in both. */
	event->received = received >= fin ? received - fin : 0;
	event->unread = unread >= fin ? unread - fin : 0;
	event->sent = PEEK(typed, tcp, bytes_sent) - PEEK(typed, tcp, bytes_retrans);
	event->retransmits = PEEK(typed, tcp, total_retrans);
	event->flags |= FLAG_TOTALS;
	/* The SYN of who connects counts as a byte. */
	if (!event->received && PEEK(typed, tcp, bytes_acked) <= 1)
		event->flags |= FLAG_UNTOUCHED;
}

INLINE bool is_full(u8 state)
{
	return state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV;
}

#endif
