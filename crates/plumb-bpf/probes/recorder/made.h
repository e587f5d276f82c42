/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Internet sockets of every protocol as they are made, bound and closed, so that those that have no states, as UDP's,
 * have an owner. At hooks of the root cgroup: they are called for nothing else, while a tracepoint of a system call
 * makes every call of the machine slower, and a port that the kernel chose in the first sendto() is seen in the moment of
 * the choice. There is one for connect(), too (sockops), but for each connection it is called nine times.
 *
 * Minimum kernel version: 5.9 (cgroup/sock_release, f5836749c9c0). Below, and without CAP_NET_ADMIN, tracepoints of
 * socket() and bind() through perf tell of these two, and nothing is remembered, because no end would be told.
 *
 * The code that makes a socket is told of all but TCP's: that has the code that connects, accepts or listens, and one
 * stack more would be for connections that come and go to pay.
 *
 * Programs at cgroups decide, too: each gives 1, which lets everything go on as it would.
 */
#ifndef PLUMB_RECORDER_MADE_H
#define PLUMB_RECORDER_MADE_H

#include "opening.h"

#define GO_ON 1

/* 1: sockets of TCP are left out. */
volatile const u32 NO_TCP;

/* The contexts: promises of the kernel (linux/bpf.h), so nothing in them is relocated. */
struct bpf_sock {
	u32 bound_dev_if, family, type, protocol, mark, priority;
	u32 src_ip4;
	u32 src_ip6[4];
	u32 src_port;
};

struct bpf_sock_addr {
	u32 user_family, user_ip4, user_ip6[4], user_port;
	u32 family, type, protocol;
	u32 msg_src_ip4, msg_src_ip6[4];
	struct bpf_sock *sk;
};

/* Who runs, where the helpers that say so are not for every kind of program (5.10). */
INLINE void put_current(struct event *event)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	event->tgid = process_of(UNTYPED, task);
	event->tid = PID_NAMESPACE ? id_in_namespace(UNTYPED, task) : READ(task, pid);
	bpf_probe_read_kernel(event->comm, sizeof(event->comm),
			      __builtin_preserve_access_index(&task->comm));
	event->flags |= FLAG_IN_CALL;
}

INLINE bool is_tcp(struct sock *sk)
{
	return READ(sk, sk_protocol) == IPPROTO_TCP;
}

INLINE u64 making_stack(struct sock *sk, u32 tgid)
{
	return is_tcp(sk) ? 0 : take_stack(tgid, current_tid());
}

INLINE int on_made(struct sock *sk, u64 cookie, bool lasts)
{
	u32 tgid = current_tgid();
	struct event *event;
	u64 stack;

	if (!in_scope(tgid))
		return GO_ON;
	stack = making_stack(sk, tgid);
	event = begin_event(EVENT_MADE);
	if (!event)
		return GO_ON;
	event->cookie = cookie;
	event->stack = stack;
	/* It has no ends yet. */
	event->family = READ(sk, __sk_common.skc_family);
	event->netns = netns_of(UNTYPED, sk);
	put_protocol(UNTYPED, event, sk);
	event->protocol = event->reason;
	put_task(event, tgid);
	if (lasts)
		remember(cookie, event, tgid);
	send_event(event);
	return GO_ON;
}

INLINE int on_bound(struct sock *sk, u64 cookie, bool lasts)
{
	struct known *known = bpf_map_lookup_elem(&sockets, &cookie);
	u32 tgid = current_tgid();
	struct event *event;
	u64 stack;

	if (!known && !in_scope(tgid))
		return GO_ON;
	stack = making_stack(sk, tgid);
	event = begin_event(EVENT_BOUND);
	if (!event)
		return GO_ON;
	event->cookie = cookie;
	event->stack = stack;
	put_ends(UNTYPED, event, sk);
	put_protocol(UNTYPED, event, sk);
	put_task(event, tgid);
	if (!known && lasts)
		remember(cookie, event, tgid);
	send_bound(event, known, known || lasts);
	return GO_ON;
}

/* Of the context, because that is no call of a helper: each connection comes by twice. */
INLINE bool is_left_out(const struct bpf_sock *ctx)
{
	return NO_TCP && ctx->protocol == IPPROTO_TCP;
}

SEC("cgroup/sock_create")
int socket_made(struct bpf_sock *ctx)
{
	if (is_left_out(ctx))
		return GO_ON;
	return on_made((struct sock *)ctx, bpf_get_socket_cookie(ctx), true);
}

SEC("cgroup/post_bind4")
int socket_bound4(struct bpf_sock *ctx)
{
	if (is_left_out(ctx))
		return GO_ON;
	return on_bound((struct sock *)ctx, bpf_get_socket_cookie(ctx), true);
}

SEC("cgroup/post_bind6")
int socket_bound6(struct bpf_sock *ctx)
{
	if (is_left_out(ctx))
		return GO_ON;
	return on_bound((struct sock *)ctx, bpf_get_socket_cookie(ctx), true);
}

/* A connection's end is a state; the others, and those that never connected, end here. */
SEC("cgroup/sock_release")
int socket_closed(struct bpf_sock *ctx)
{
	struct sock *sk = (struct sock *)ctx;
	u16 protocol = ctx->protocol;
	bool tcp = protocol == IPPROTO_TCP;
	struct known *known;
	struct event *event;
	u64 cookie, stack = 0;
	bool exiting;

	if (is_left_out(ctx) || (tcp && READ(sk, __sk_common.skc_state) != TCP_CLOSE))
		return GO_ON;
	cookie = READ(sk, __sk_common.skc_cookie.counter);
	known = cookie ? bpf_map_lookup_elem(&sockets, &cookie) : NULL;
	if (!known)
		return GO_ON;
	exiting = READ((struct task_struct *)bpf_get_current_task(), flags) & PF_EXITING;
	if (!tcp && !exiting)
		stack = closing_stack();
	event = begin_event(EVENT_CLOSED);
	if (event) {
		event->cookie = cookie;
		event->stack = stack;
		put_ends(UNTYPED, event, sk);
		put_known_ends(event, known);
		put_protocol(UNTYPED, event, sk);
		put_task(event, current_tgid());
		if (exiting)
			event->flags |= FLAG_EXITING;
		send_event(event);
	}
	leave_port(cookie, known, protocol);
	bpf_map_delete_elem(&sockets, &cookie);
	return GO_ON;
}

/* The port that the kernel chose for a socket that had none. */
INLINE struct event *begin_chosen(u64 cookie, const struct known *known, u32 family, u32 port)
{
	struct event *event = begin_event(EVENT_BOUND);

	if (!event)
		return NULL;
	event->cookie = cookie;
	event->family = family;
	event->netns = known->netns;
	event->local_port = port;
	event->flags |= FLAG_CHOSEN;
	put_current(event);
	return event;
}

INLINE int on_first_send(struct bpf_sock_addr *ctx)
{
	u64 cookie = bpf_get_socket_cookie(ctx);
	struct known *known = bpf_map_lookup_elem(&sockets, &cookie);
	struct bpf_sock *sk;
	struct event *event;

	if (!known || known->local_port)
		return GO_ON;
	sk = ctx->sk;
	if (!sk)
		return GO_ON;
	event = begin_chosen(cookie, known, sk->family, sk->src_port);
	if (!event)
		return GO_ON;
	event->protocol = sk->protocol;
	event->reason = sk->protocol;
	if (event->family == AF_INET6) {
		*(u32 *)(event->local + 0) = sk->src_ip6[0];
		*(u32 *)(event->local + 4) = sk->src_ip6[1];
		*(u32 *)(event->local + 8) = sk->src_ip6[2];
		*(u32 *)(event->local + 12) = sk->src_ip6[3];
	} else {
		*(u32 *)event->local = sk->src_ip4;
	}
	send_bound(event, known, true);
	return GO_ON;
}

SEC("cgroup/sendmsg4")
int socket_sends4(struct bpf_sock_addr *ctx)
{
	return on_first_send(ctx);
}

SEC("cgroup/sendmsg6")
int socket_sends6(struct bpf_sock_addr *ctx)
{
	return on_first_send(ctx);
}

/* By the calls alone. */
INLINE bool is_internet(struct sock *sk)
{
	u16 family = READ(&sk->__sk_common, skc_family);

	return family == AF_INET || family == AF_INET6;
}

SEC("tracepoint/syscalls/sys_exit_socket")
int socket_ends(struct call_ends *ctx)
{
	struct sock *sk = ctx->result < 0 ? NULL : sock_of(NO_CASTS, ctx->result);

	if (sk && is_internet(sk))
		on_made(sk, cookie_read(NO_CASTS, sk), false);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_bind")
int bind_ends(struct call_ends *ctx)
{
	struct attempt attempt = { .fd = -1 };
	struct sock *sk;

	if (ctx->result)
		return 0;
	read_attempt(&attempt);
	sk = sock_of(NO_CASTS, attempt.fd);
	if (sk && is_internet(sk))
		on_bound(sk, cookie_read(NO_CASTS, sk), false);
	return 0;
}

#endif
