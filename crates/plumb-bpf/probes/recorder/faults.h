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

#include "bound.h"
#include "ports.h"
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
	if (known && !known->local_port)
		note_chosen_port(sk, cookie, known);
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

/* The namespace a packet is in; 0 where it belongs to no device any more. */
INLINE u32 netns_of_packet(struct sk_buff *skb)
{
	struct net_device *device = READ(skb, dev);
	struct net *net = READ(device, nd_net.net);

	return READ(net, ns.inum);
}

/* Tells of a packet that belongs to no socket, when such are asked for. */
INLINE struct event *begin_stranger(u16 kind, struct sk_buff *skb)
{
	struct event *event;

	if (!STRANGERS || !skb)
		return NULL;
	event = begin_event(kind);
	if (event && put_packet(event, skb))
		event->netns = netns_of_packet(skb);
	return event;
}

/*
 * Tells of a packet without a socket, when one that is followed has the port it was for, else that it came from:
 * its own end is the local one then.
 */
static __attribute__((noinline)) int on_lone_drop(struct sk_buff *skb, u32 reason)
{
	struct event of_packet = {}, *event;
	struct taken *by;
	bool sent = false;

	if (!skb || !put_packet(&of_packet, skb))
		return 0;
	/* Told by full_datagram_queues. */
	if (FULL_REASON && reason == FULL_REASON && of_packet.protocol != IPPROTO_TCP)
		return 0;
	of_packet.netns = netns_of_packet(skb);
	by = taker_of(&of_packet, of_packet.local_port, of_packet.local);
	if (!by) {
		by = taker_of(&of_packet, of_packet.peer_port, of_packet.peer);
		sent = true;
	}
	if (!by)
		return 0;
	event = begin_event(EVENT_DROP);
	if (!event)
		return 0;
	event->tgid = by->tgid;
	event->netns = of_packet.netns;
	event->family = of_packet.family;
	event->protocol = of_packet.protocol;
	event->local_port = sent ? of_packet.peer_port : of_packet.local_port;
	event->peer_port = sent ? of_packet.local_port : of_packet.peer_port;
	__builtin_memcpy(event->local, sent ? of_packet.peer : of_packet.local, sizeof(event->local));
	__builtin_memcpy(event->peer, sent ? of_packet.local : of_packet.peer, sizeof(event->peer));
	event->reason = reason;
	event->flags |= FLAG_REASON;
	send_event(event);
	return 0;
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

/* The other end of a packet, for a socket that has no peer of its own: it may have sent it, or be to receive it. */
INLINE void put_other_end(struct event *event, struct sk_buff *skb)
{
	struct event of_packet = {};
	bool sent;

	if (!put_packet(&of_packet, skb) || event->family != of_packet.family)
		return;
	sent = event->local_port != of_packet.local_port;
	if (sent && event->local_port != of_packet.peer_port)
		return;
	event->peer_port = sent ? of_packet.local_port : of_packet.peer_port;
	if (sent)
		__builtin_memcpy(event->peer, of_packet.local, sizeof(event->peer));
	else
		__builtin_memcpy(event->peer, of_packet.peer, sizeof(event->peer));
}

/*
 * Says whether a packet is in another namespace than the socket that sent it: veth hands it over together with its
 * sender, and who receives it lets go of that only behind the hooks of the device.
 */
INLINE bool has_left(struct sk_buff *skb, struct sock *sender)
{
	u32 netns = netns_of_packet(skb);

	return netns && netns != netns_of(TYPED, sender);
}

INLINE bool is_wanted_reason(u32 reason)
{
	if (!ONLY_REASONS[0])
		return true;
	for (int place = 0; place < MOST_REASONS; place++)
		if (ONLY_REASONS[place] == reason)
			return true;
	return false;
}

INLINE int on_drop(struct sk_buff *skb, u32 reason, struct sock *sk)
{
	struct event *event;

	if (reason <= LAST_GOOD_REASON || reason == PURGE_REASON)
		return 0;
	if (!is_wanted_reason(reason))
		return 0;
	if (!sk)
		sk = skb->sk;
	if (sk && ONLY_REASONS[0] && has_left(skb, sk))
		sk = NULL;
	if (sk && FULL_REASON && reason == FULL_REASON && sk->sk_protocol != IPPROTO_TCP)
		return 0;
	if (!sk && MADE && !STRANGERS)
		return on_lone_drop(skb, reason);
	event = sk ? begin_fault(TYPED, EVENT_DROP, sk) : begin_stranger(EVENT_DROP, skb);
	if (!event)
		return 0;
	if (sk && !event->peer_port)
		put_other_end(event, skb);
	if (!sk)
		event->result = READ(READ(skb, dev), ifindex);
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

INLINE int on_full_queue(struct sock *sk)
{
	struct event *event = begin_fault(TYPED, EVENT_QUEUE_FULL, sk);

	if (!event)
		return 0;
	event->reason = FULL_REASON;
	event->flags |= FULL_REASON ? FLAG_REASON : 0;
	send_event(event);
	return 0;
}

SEC("tp_btf/sock_rcvqueue_full")
int full_queues(u64 *ctx)
{
	return on_full_queue((struct sock *)ctx[0]);
}

#define ENOMEM 12

/* UDP's own: any other error is a lack of memory, and a reason of a drop. */
SEC("tp_btf/udp_fail_queue_rcv_skb")
int full_datagram_queues(u64 *ctx)
{
	return (int)ctx[0] == -ENOMEM ? on_full_queue((struct sock *)ctx[1]) : 0;
}

#endif
