/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* A socket has its port now. */
#ifndef PLUMB_RECORDER_BOUND_H
#define PLUMB_RECORDER_BOUND_H

#include "ports.h"
#include "socket.h"

/* The number of a protocol, which may need more than a byte: MPTCP's is 262. */
INLINE void put_protocol(struct event *event, struct sock *sk)
{
	event->reason = READ(sk, sk_protocol);
	if (event->reason > 255)
		event->protocol = 0;
}

/* Tells of it; `lasts` says whether its end will be told, so that its port can be kept until then. */
INLINE void send_bound(struct event *event, struct known *known, bool lasts)
{
	if (known) {
		known->local_port = event->local_port;
		known->family = event->family;
		__builtin_memcpy(known->local, event->local, sizeof(known->local));
	}
	if (MADE && lasts)
		take_port(event);
	send_event(event);
}

/* connect() of what is no connection: it has a port then, if it had none. */
INLINE int on_datagrams_connected(struct sock *sk, u64 cookie, u32 tgid)
{
	struct known *known = cookie ? bpf_map_lookup_elem(&sockets, &cookie) : NULL;
	struct event *event;

	if (!known || known->local_port || !READ(sk, __sk_common.skc_num))
		return 0;
	event = begin_event(EVENT_BOUND);
	if (!event)
		return 0;
	event->cookie = cookie;
	event->flags |= FLAG_CHOSEN;
	put_ends(UNTYPED, event, sk);
	put_protocol(event, sk);
	put_task(event, tgid);
	send_bound(event, known, true);
	return 0;
}

#endif
