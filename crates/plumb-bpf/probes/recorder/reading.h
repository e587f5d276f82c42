/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The recv() that returned 0: the program has been told that the peer is done, and the stack is of
 * the code that was told. Once for each socket.
 *
 * Minimum kernel version: 6.3 for sock_recv_length; below, fexit on the functions behind recv().
 */
#ifndef PLUMB_RECORDER_READING_H
#define PLUMB_RECORDER_READING_H

#include "socket.h"
#include "stack.h"
#include "states.h"

#define MSG_PEEK 2

INLINE int on_received(bool typed, struct sock *sk, int result, int flags)
{
	struct known *known;
	struct event *event;
	u64 cookie, stack;
	u32 tgid;

	if (result != 0 || flags & MSG_PEEK || PEEK(typed, sk, sk_protocol) != IPPROTO_TCP ||
	    !(PEEK(typed, sk, sk_shutdown) & RCV_SHUTDOWN))
		return 0;
	tgid = current_tgid();
	if (!in_scope(tgid))
		return 0;
	cookie = PEEK(typed, sk, __sk_common.skc_cookie.counter);
	if (!cookie)
		cookie = (u64)sk;
	known = bpf_map_lookup_elem(&sockets, &cookie);
	if (known) {
		if (known->flags & KNOWN_END_OF_FILE)
			return 0;
		known->flags |= KNOWN_END_OF_FILE;
	}
	stack = take_stack(tgid, current_tid());
	event = begin_event(EVENT_END_OF_FILE);
	if (!event)
		return 0;
	event->cookie = cookie;
	event->old_state = PEEK(typed, sk, __sk_common.skc_state);
	event->new_state = event->old_state;
	event->stack = stack;
	if (!known || known->flags & KNOWN_OLDER)
		event->flags |= FLAG_OLDER;
	put_ends(typed, event, sk);
	put_task(event, tgid);
	put_totals(typed, event, sk);
	send_event(event);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int ends_of_file(u64 *ctx)
{
	return on_received(TYPED, (struct sock *)ctx[0], (int)ctx[1], (int)ctx[2]);
}

/* inet_recvmsg(struct socket *, struct msghdr *, size_t, int flags) and what it returned. */
SEC("fexit/inet_recvmsg")
int ends_of_file_inet(u64 *ctx)
{
	struct socket *socket = (struct socket *)ctx[0];

	return on_received(TYPED, socket->sk, (int)ctx[4], (int)ctx[3]);
}

SEC("fexit/inet6_recvmsg")
int ends_of_file_inet6(u64 *ctx)
{
	struct socket *socket = (struct socket *)ctx[0];

	return on_received(TYPED, socket->sk, (int)ctx[4], (int)ctx[3]);
}

#endif
