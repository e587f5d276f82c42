/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* A socket has its port now. */
#ifndef PLUMB_RECORDER_BOUND_H
#define PLUMB_RECORDER_BOUND_H

#include "ports.h"
#include "socket.h"

/* The number of a protocol, which may need more than a byte: MPTCP's is 262. */
INLINE void put_protocol(bool typed, struct event *event, struct sock *sk)
{
	event->reason = PEEK(typed, sk, sk_protocol);
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

/*
 * The port that the kernel chose in connect(), told as soon as a program of ours sees it: when the call returns, or
 * when something comes or is sent again before. A socket that is refused has lost it by the time of its last state.
 */
INLINE void tell_chosen_port(bool typed, struct sock *sk, u64 cookie, struct known *known)
{
	u16 port = PEEK(typed, sk, __sk_common.skc_num);
	struct event *event;

	if (!port)
		return;
	if (!MADE) {
		known->local_port = port;
		return;
	}
	event = begin_event(EVENT_BOUND);
	if (!event)
		return;
	event->cookie = cookie;
	event->flags |= FLAG_CHOSEN;
	put_ends(typed, event, sk);
	put_protocol(typed, event, sk);
	if (current_tgid() == known->tgid)
		put_task(event, known->tgid);
	else
		event->tgid = known->tgid;
	send_bound(event, known, true);
}

/* The same where it is too seldom for code of its own in each program. */
static __attribute__((noinline)) int note_chosen_port(struct sock *sk, u64 cookie, struct known *known)
{
	if (sk && known)
		tell_chosen_port(UNTYPED, sk, cookie, known);
	return 0;
}

#endif
