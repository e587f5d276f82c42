/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Changes of TCP states, with the code that caused those which a call causes: connect(), listen(),
 * close(). Minimum kernel version: 5.5 (BTF of tracepoints); below there is no recorder.
 */
#ifndef PLUMB_RECORDER_STATES_H
#define PLUMB_RECORDER_STATES_H

#include "bound.h"
#include "listening.h"
#include "ports.h"
#include "socket.h"
#include "stack.h"

INLINE void put_known(struct known *known, const struct event *event, u32 tgid)
{
	known->tgid = tgid;
	known->netns = event->netns;
	known->local_port = event->local_port;
	known->peer_port = event->peer_port;
	known->family = event->family;
	__builtin_memcpy(known->local, event->local, sizeof(known->local));
	__builtin_memcpy(known->peer, event->peer, sizeof(known->peer));
}

INLINE void remember(u64 cookie, const struct event *event, u32 tgid)
{
	struct known known = {};

	put_known(&known, event, tgid);
	if (bpf_map_update_elem(&sockets, &cookie, &known, 0))
		count_lost(LOST_SOCKETS);
}

/* One that was made before, as a rule: another entry in its place would cost more than this one. */
INLINE void remember_begun(u64 cookie, const struct event *event, u32 tgid)
{
	struct known *known = bpf_map_lookup_elem(&sockets, &cookie);

	if (!known) {
		remember(cookie, event, tgid);
		return;
	}
	put_known(known, event, tgid);
	known->flags = 0;
}

/* Where somebody we follow listens, as the port of this connection says; 0 when nobody does. */
INLINE u32 listener_of(struct sock *sk)
{
	struct port_key key = {
		.netns = netns_of(TYPED, sk),
		.port = sk->__sk_common.skc_num,
	};
	u32 *tgid = bpf_map_lookup_elem(&listeners, &key);

	return tgid ? *tgid : 0;
}

INLINE void note_listener(const struct event *event, u32 tgid)
{
	struct port_key key = { .netns = event->netns, .port = event->local_port };

	if (SCOPE != SCOPE_HOST && bpf_map_update_elem(&listeners, &key, &tgid, 0))
		count_lost(LOST_SOCKETS);
}

/*
 * Remembers a socket whose beginning there was no room to tell: one event is lost then and counted, and not
 * all that will be told of the socket.
 */
static __attribute__((noinline)) int remember_untold(struct sock *sk, u64 cookie, u32 tgid, u32 listens)
{
	struct event event = {};

	if (!sk)
		return 0;
	put_ends(TYPED, &event, sk);
	remember(cookie, &event, tgid);
	if (listens)
		note_listener(&event, tgid);
	return 0;
}

/* A state that a call of the running process begins: its stack is the code that did it. */
INLINE int on_begin(struct sock *sk, u64 cookie, int new)
{
	u32 tgid = current_tgid();
	struct event *event;
	u64 stack;

	if (!in_scope(tgid))
		return 0;
	stack = take_stack(tgid, current_tid());
	event = begin_event(EVENT_STATE);
	if (!event)
		return remember_untold(sk, cookie, tgid, new == TCP_LISTEN);
	event->cookie = cookie;
	event->old_state = TCP_CLOSE;
	event->new_state = new;
	event->stack = stack;
	put_ends(TYPED, event, sk);
	put_task(event, tgid);
	remember_begun(cookie, event, tgid);
	if (new == TCP_LISTEN) {
		note_listener(event, tgid);
		watch_listener(cookie, sk, tgid);
	}
	send_event(event);
	return 0;
}

/* A connection that came in: nobody has it yet, and a listener waits for it. */
INLINE int on_incoming(struct sock *sk, u64 cookie)
{
	u32 tgid = SCOPE == SCOPE_HOST ? 0 : listener_of(sk);
	struct event *event;

	if (SCOPE != SCOPE_HOST && !tgid)
		return 0;
	event = begin_event(EVENT_STATE);
	if (!event)
		return remember_untold(sk, cookie, tgid, 0);
	event->cookie = cookie;
	event->old_state = TCP_SYN_RECV;
	event->new_state = TCP_ESTABLISHED;
	event->tgid = tgid;
	put_ends(TYPED, event, sk);
	remember(cookie, event, tgid);
	send_event(event);
	return 0;
}

INLINE bool is_told(int new)
{
	return EVERY_STATE || new == TCP_ESTABLISHED || new == TCP_CLOSE_WAIT ||
	       new == TCP_FIN_WAIT1 || new == TCP_LAST_ACK || new == TCP_CLOSE;
}

/* States that only a call of the holder enters (close, shutdown), or the end of the holder. */
INLINE bool is_letting_go(int new)
{
	return new == TCP_FIN_WAIT1 || new == TCP_LAST_ACK;
}

/*
 * Whether its holder lets it go: by the states that only close() enters, or, with bytes unread, at once.
 * Any other end comes by packet and in anybody's time.
 */
INLINE bool is_let_go(const struct known *known, int old, int new)
{
	bool at_once = new == TCP_CLOSE && (old == TCP_ESTABLISHED || old == TCP_CLOSE_WAIT ||
					    old == TCP_SYN_SENT || old == TCP_LISTEN);

	return is_letting_go(new) || (at_once && current_tgid() == known->tgid);
}

/*
 * The code that closes, of interpreters alone: one that ends closes what its script left open, and only the
 * stack tells that from a script that closes.
 */
INLINE u64 closing_stack(void)
{
	u32 tgid = current_tgid();

	if (!STACKS || !bpf_map_lookup_elem(&interpreters, &tgid))
		return 0;
	return take_stack(tgid, current_tid());
}

/*
 * The ends of a connection: once they are complete they do not change, and copying them is cheaper than
 * reading them of the socket, which has lost some of them at its end.
 */
INLINE void put_lasting_ends(bool typed, struct event *event, struct sock *sk, struct known *known)
{
	if (known->local_port && known->peer_port) {
		event->family = known->family;
		event->protocol = IPPROTO_TCP;
		event->netns = known->netns;
		event->local_port = known->local_port;
		event->peer_port = known->peer_port;
		__builtin_memcpy(event->local, known->local, sizeof(event->local));
		__builtin_memcpy(event->peer, known->peer, sizeof(event->peer));
		return;
	}
	put_ends(typed, event, sk);
	put_known_ends(event, known);
	if (event->new_state == TCP_ESTABLISHED) {
		known->local_port = event->local_port;
		__builtin_memcpy(known->local, event->local, sizeof(known->local));
	}
}

INLINE void put_change(struct event *event, struct sock *sk, struct known *known, int old, int new)
{
	event->old_state = old;
	event->new_state = new;
	if (known) {
		event->tgid = known->tgid;
		put_lasting_ends(TYPED, event, sk, known);
		if (known->flags & KNOWN_OLDER)
			event->flags |= FLAG_OLDER;
	} else {
		put_ends(TYPED, event, sk);
		event->flags |= FLAG_OLDER;
	}
	if (is_letting_go(new))
		put_task(event, current_tgid());
	if (is_letting_go(new) || new == TCP_CLOSE || new == TCP_CLOSE_WAIT)
		put_totals(TYPED, event, sk);
	if (new == TCP_CLOSE)
		event->result = -sk->sk_err;
}

INLINE int on_change(u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	int old = (int)ctx[1], new = (int)ctx[2];
	struct known *known;
	struct event *event;
	u64 cookie, stack = 0;

	if (sk->sk_protocol != IPPROTO_TCP || (old == TCP_CLOSE && new == TCP_CLOSE))
		return 0;
	cookie = COOKIE_OF(sk);
	if (old == TCP_CLOSE && (new == TCP_SYN_SENT || new == TCP_LISTEN))
		return on_begin(sk, cookie, new);
	known = bpf_map_lookup_elem(&sockets, &cookie);
	/* One that is known has called connect(), and met the other's SYN half-way. */
	if (old == TCP_SYN_RECV && new == TCP_ESTABLISHED && !known)
		return on_incoming(sk, cookie);
	if (old == TCP_LISTEN)
		unwatch_listener(sk, cookie);
	if (old == TCP_SYN_SENT && known && !known->local_port)
		tell_chosen_port(TYPED, sk, cookie, known);
	if (!known && SCOPE != SCOPE_HOST)
		return 0;
	if (known && is_let_go(known, old, new)) {
		if (current_is_exiting())
			known->flags |= KNOWN_EXITING;
		else
			stack = closing_stack();
	}
	if (!is_told(new) || (!known && old == TCP_SYN_RECV))
		return 0;
	event = begin_event(EVENT_STATE);
	if (event) {
		event->cookie = cookie;
		event->stack = stack;
		put_change(event, sk, known, old, new);
		if (known && known->flags & KNOWN_EXITING)
			event->flags |= FLAG_EXITING;
		send_event(event);
	}
	if (new == TCP_CLOSE) {
		if (known)
			leave_port(cookie, known, IPPROTO_TCP);
		bpf_map_delete_elem(&sockets, &cookie);
	}
	return 0;
}

/*
 * The last changes that `states` was there for on this processor. Of those that interrupt another few come between its
 * two programs; with more than this many there, it would be told twice.
 */
#define ATTENDED 16

struct change {
	u64 socket;
	u64 states;
};

struct attended {
	struct change changes[ATTENDED];
	u64 next;
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct attended);
} attended_here SEC(".maps");

INLINE volatile struct attended *attended(void)
{
	u32 key = 0;

	return bpf_map_lookup_elem(&attended_here, &key);
}

INLINE u64 states_of(u64 *ctx)
{
	return (u32)ctx[1] << 8 | (u32)ctx[2];
}

SEC("tp_btf/inet_sock_set_state")
int states(u64 *ctx)
{
	volatile struct attended *here = attended();
	volatile struct change *change;

	if (!here)
		return 0;
	change = &here->changes[here->next++ % ATTENDED];
	change->socket = ctx[0];
	change->states = states_of(ctx);
	return on_change(ctx);
}

/*
 * The kernel leaves a program out where it is at work already (6.1, 05b24ff9b2cf): a packet comes in and changes a
 * state while a call of a process is changing another. This one, at the same place, stands in for changes that `states`
 * was not there for. Whether it was is asked of each change: that it is at work would not tell, for the kernel takes it
 * for so from before its first instruction until after its last.
 */
SEC("tp_btf/inet_sock_set_state")
int states_meanwhile(u64 *ctx)
{
	volatile struct attended *here = attended();
	u64 next;

	if (!here)
		return 0;
	next = here->next;
	for (u64 back = 1; back <= ATTENDED; back++) {
		volatile struct change *change = &here->changes[(next - back) % ATTENDED];

		if (change->socket == ctx[0] && change->states == states_of(ctx)) {
			/* The next socket at this address may change as this one did. */
			change->socket = 0;
			return 0;
		}
	}
	return on_change(ctx);
}

#endif
