/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * A thread in a call of the network (calls.h), and what is told of the socket that it calls with. With CASTS the
 * kernel's objects are read by loads (6.2), without by helpers (5.5).
 */
#ifndef PLUMB_RECORDER_CALLER_H
#define PLUMB_RECORDER_CALLER_H

#include "opening.h"

/*
 * A thread and its call, which is told when it returns. It stays as long as the thread does: making one for each
 * call would cost more than the rest. Mirrored in recorder/decode.rs.
 */
struct caller {
	struct call call;
	u64 thread; /* bpf_get_current_pid_tgid() */
	u64 sk;	    /* the socket, by its address; 0: it has none, or none is of interest */
	u32 under_way;
	u32 flags; /* enum call_flags */
};

_Static_assert(sizeof(struct caller) == 392, "the Rust side decodes 392 bytes");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct caller);
} calls SEC(".maps");

/* One that has made no call: too large for a program's stack. */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct caller);
} new_caller SEC(".maps");

/*
 * The first bytes of a socket, in which nearly all is that a call is told with: without casts one read of them
 * costs as much as one of any member.
 */
struct beginning {
	u64 words[14];
};

/* A member, of what was read. */
#define PART(beginning, member)                                                                    \
	(*(typeof(((struct sock *)0)->__sk_common.member) *)((u8 *)(beginning) +                   \
							     OFFSET((struct sock *)0, __sk_common.member)))
/* A member: of the socket itself with CASTS, else of the beginning that was read. */
#define OF(casts, sk, beginning, member)                                                           \
	((casts) ? (sk)->__sk_common.member : PART(beginning, member))

/* Gives the cookie; 0 where there is none, or nothing can be read. */
INLINE u64 read_beginning(bool casts, struct sock *sk, struct beginning *to)
{
	if (!casts && bpf_probe_read_kernel(to, sizeof(*to), sk))
		__builtin_memset(to, 0, sizeof(*to));
	return OF(casts, sk, to, skc_cookie.counter);
}

INLINE void put_beginning(bool casts, struct event *event, struct sock *sk, struct beginning *from)
{
	u16 family = OF(casts, sk, from, skc_family);

	event->family = family;
	event->new_state = OF(casts, sk, from, skc_state);
	event->local_port = OF(casts, sk, from, skc_num);
	event->peer_port = __builtin_bswap16(OF(casts, sk, from, skc_dport));
	event->unread = OF(casts, sk, from, skc_bound_dev_if);
	if (family == AF_INET6) {
		*(struct in6_addr *)event->local = READ(sk, __sk_common.skc_v6_rcv_saddr);
		*(struct in6_addr *)event->peer = READ(sk, __sk_common.skc_v6_daddr);
	} else if (family == AF_INET) {
		*(u32 *)event->local = OF(casts, sk, from, skc_rcv_saddr);
		*(u32 *)event->peer = OF(casts, sk, from, skc_daddr);
	}
}

/* As it is when the call begins. What never changes is kept of a socket that the thread used before. */
INLINE void put_socket(bool casts, struct caller *caller, struct sock *at)
{
	struct event *event = &caller->call.event;
	struct sock *sk = casts ? CAST(at) : at;
	struct beginning beginning;
	u64 cookie = read_beginning(casts, sk, &beginning);

	if (!cookie || cookie != event->cookie || caller->sk != (u64)at) {
		struct net *net = OF(casts, sk, &beginning, skc_net.net);

		caller->sk = (u64)at;
		event->cookie = cookie || HAVE_HELPERS ? cookie : (u64)at;
		event->protocol = casts ? sk->sk_protocol : READ(at, sk_protocol);
		event->netns = casts ? net->ns.inum : READ(&net->ns, inum);
	}
	put_beginning(casts, event, sk, &beginning);
}

/*
 * As it is when the call returns: after connect() and the like it has ends that it had not before. Another thread
 * may have closed it meanwhile, and then something else may be where it was.
 */
INLINE void refresh_socket(bool casts, struct caller *caller)
{
	struct event *event = &caller->call.event;
	struct sock *at = (struct sock *)caller->sk, *sk = casts ? CAST(at) : at;
	struct beginning beginning;
	u64 cookie = read_beginning(casts, sk, &beginning);

	if (!HAVE_HELPERS && !cookie)
		cookie = caller->sk;
	if (event->cookie && cookie != event->cookie)
		return;
	event->cookie = cookie;
	put_beginning(casts, event, sk, &beginning);
}

INLINE void put_comm(bool casts, struct event *event)
{
	struct task_struct *task;
	struct list_head *words;

	if (!casts) {
		bpf_get_current_comm(event->comm, sizeof(event->comm));
		return;
	}
	task = bpf_get_current_task_btf();
	words = CAST((struct list_head *)task->comm);
	((u64 *)event->comm)[0] = (u64)words->next;
	((u64 *)event->comm)[1] = (u64)words->prev;
}

INLINE void put_no_socket(struct caller *caller)
{
	caller->sk = 0;
	caller->call.event.cookie = 0;
	caller->call.event.family = 0;
	caller->call.event.protocol = 0;
	caller->call.event.netns = 0;
	caller->call.event.new_state = 0;
	caller->call.event.local_port = 0;
	caller->call.event.peer_port = 0;
	caller->call.event.unread = 0;
}

#endif
