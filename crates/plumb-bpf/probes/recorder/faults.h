/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What goes wrong: packets sent again, dropped or not taken, resets, errors. Most of it happens in
 * anybody's time, so the owner is looked up by the socket and never taken from the running task.
 *
 * Minimum kernel version: tcp_retransmit_skb, tcp_send_reset, tcp_receive_reset 5.5 with BTF;
 * inet_sk_error_report 5.14; reasons of drops 5.17, of resets 6.10; the receiving socket of a drop 6.11.
 */
#ifndef PLUMB_RECORDER_FAULTS_H
#define PLUMB_RECORDER_FAULTS_H

#include "socket.h"

/* SKB_CONSUMED, the last reason that is none (enum skb_drop_reason). */
#define LAST_GOOD_REASON 1
#define IPPROTO_UDP 17

/* Tells of a socket, when it is one we follow. Gives NULL when there is nothing to tell. */
INLINE struct event *begin_fault(bool typed, u16 kind, struct sock *sk)
{
	u64 cookie = PEEK(typed, sk, __sk_common.skc_cookie.counter);
	struct known *known = cookie ? bpf_map_lookup_elem(&sockets, &cookie) : NULL;
	struct event *event;

	if (!HAVE_HELPERS && !cookie) {
		cookie = (u64)sk;
		known = bpf_map_lookup_elem(&sockets, &cookie);
	}
	if (!known && SCOPE != SCOPE_HOST)
		return NULL;
	event = begin_event(kind);
	if (!event)
		return NULL;
	event->cookie = cookie;
	event->old_state = PEEK(typed, sk, __sk_common.skc_state);
	event->new_state = event->old_state;
	if (is_full(event->old_state))
		put_ends(typed, event, sk);
	if (known) {
		event->tgid = known->tgid;
		put_known_ends(event, known);
	}
	return event;
}

struct ip4 {
	u8 version_ihl, tos;
	u16 len, id, offset;
	u8 ttl, protocol;
	u16 check;
	u32 source, destination;
};

struct ip6 {
	u32 flow;
	u16 len;
	u8 next, hops;
	u8 source[16], destination[16];
};

struct ports {
	u16 source, destination;
};

/* Puts the ends of a packet: the sender as peer, the receiver as local. */
INLINE bool put_packet(struct event *event, struct sk_buff *skb)
{
	u8 *at = skb->head + skb->network_header;
	struct ip4 ip4;
	struct ip6 ip6;
	struct ports ports;

	if (bpf_probe_read_kernel(&ip4, sizeof(ip4), at))
		return false;
	if (ip4.version_ihl >> 4 == 4) {
		event->family = AF_INET;
		event->protocol = ip4.protocol;
		*(u32 *)event->peer = ip4.source;
		*(u32 *)event->local = ip4.destination;
		at += (ip4.version_ihl & 15) * 4;
	} else if (ip4.version_ihl >> 4 == 6 && !bpf_probe_read_kernel(&ip6, sizeof(ip6), at)) {
		event->family = AF_INET6;
		event->protocol = ip6.next;
		__builtin_memcpy(event->peer, ip6.source, sizeof(event->peer));
		__builtin_memcpy(event->local, ip6.destination, sizeof(event->local));
		at += sizeof(ip6);
	} else {
		return false;
	}
	if (event->protocol != IPPROTO_TCP && event->protocol != IPPROTO_UDP)
		return true;
	if (!bpf_probe_read_kernel(&ports, sizeof(ports), at)) {
		event->peer_port = __builtin_bswap16(ports.source);
		event->local_port = __builtin_bswap16(ports.destination);
	}
	return true;
}

/* Tells of a packet that belongs to no socket, when such are asked for. */
INLINE struct event *begin_stranger(u16 kind, struct sk_buff *skb)
{
	struct event *event;

	if (!STRANGERS || !skb)
		return NULL;
	event = begin_event(kind);
	if (event)
		put_packet(event, skb);
	return event;
}

SEC("tp_btf/tcp_retransmit_skb")
int retransmits(u64 *ctx)
{
	struct event *event = begin_fault(TYPED, EVENT_RETRANSMIT, (struct sock *)ctx[0]);

	if (event)
		send_event(event);
	return 0;
}

INLINE int on_reset_sent(struct sock *sk, struct sk_buff *skb, u32 reason, u8 flags)
{
	struct event *event =
		sk ? begin_fault(TYPED, EVENT_RESET_SENT, sk) : begin_stranger(EVENT_RESET_SENT, skb);

	if (!event)
		return 0;
	event->reason = reason;
	event->flags |= flags;
	send_event(event);
	return 0;
}

SEC("tp_btf/tcp_send_reset")
int resets_sent(u64 *ctx)
{
	return on_reset_sent((struct sock *)ctx[0], (struct sk_buff *)ctx[1], (u32)ctx[2],
			     FLAG_REASON);
}

/* Below 6.10 the tracepoint has no third argument. */
SEC("tp_btf/tcp_send_reset")
int resets_sent_old(u64 *ctx)
{
	return on_reset_sent((struct sock *)ctx[0], (struct sk_buff *)ctx[1], 0, 0);
}

SEC("tp_btf/tcp_receive_reset")
int resets_received(u64 *ctx)
{
	struct event *event = begin_fault(TYPED, EVENT_RESET_RECEIVED, (struct sock *)ctx[0]);

	if (event)
		send_event(event);
	return 0;
}

SEC("tp_btf/inet_sk_error_report")
int errors(u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	struct event *event = begin_fault(TYPED, EVENT_ERROR, sk);

	if (!event)
		return 0;
	event->result = -sk->sk_err;
	send_event(event);
	return 0;
}

INLINE int on_drop(struct sk_buff *skb, u32 reason, struct sock *sk)
{
	struct event *event;

	if (reason <= LAST_GOOD_REASON || reason == PURGE_REASON)
		return 0;
	if (!sk)
		sk = skb->sk;
	event = sk ? begin_fault(TYPED, EVENT_DROP, sk) : begin_stranger(EVENT_DROP, skb);
	if (!event)
		return 0;
	event->reason = reason;
	event->flags |= FLAG_REASON;
	send_event(event);
	return 0;
}

SEC("tp_btf/kfree_skb")
int drops(u64 *ctx)
{
	return on_drop((struct sk_buff *)ctx[0], (u32)ctx[2], (struct sock *)ctx[3]);
}

/* Below 6.11 the tracepoint does not say who should have received. */
SEC("tp_btf/kfree_skb")
int drops_old(u64 *ctx)
{
	return on_drop((struct sk_buff *)ctx[0], (u32)ctx[2], NULL);
}

SEC("tp_btf/sock_rcvqueue_full")
int full_queues(u64 *ctx)
{
	struct event *event = begin_fault(TYPED, EVENT_QUEUE_FULL, (struct sock *)ctx[0]);

	if (event)
		send_event(event);
	return 0;
}

#endif
