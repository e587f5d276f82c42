/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Which code moves bytes, and whose bytes wait in a send queue: the stack of every call that sends or
 * receives, so nobody pays who did not ask.
 *
 * Minimum kernel version: 6.3 (sock_send_length, sock_recv_length); below, fexit on the functions behind
 * send() and recv() of IP sockets (5.5), which UNIX sockets do not pass.
 */
#ifndef PLUMB_RECORDER_WRITERS_H
#define PLUMB_RECORDER_WRITERS_H

#include "socket.h"
#include "stack.h"

/* Writes of one socket that are told apart; a power of two. */
#define WRITES 32
#define PEEKS 2

/* Mirrored in recorder/functions.rs. */
struct use_key {
	u64 cookie;
	u64 stack;
};

struct used {
	u64 sent;
	u64 received;
	u64 sends;
	u64 receives;
	u32 tgid;
	u32 reserved;
};

_Static_assert(sizeof(struct used) == 40, "the Rust side decodes 40 bytes");

/* Bytes that one code wrote, up to this sequence number. */
struct written {
	u64 stack;
	u32 end_seq;
	u32 len;
};

struct queue {
	u64 last_reader;
	u64 last_writer;
	u32 next; /* where the next write goes, counted on */
	u32 base; /* snd_una less bytes_acked: the same as long as the connection lives */
	struct written writes[WRITES];
};

_Static_assert(sizeof(struct queue) == 24 + 16 * WRITES, "the Rust side decodes as many bytes");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, struct use_key);
	MAP_TYPE(value, struct used);
} uses SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u64);
	MAP_TYPE(value, struct queue);
} queues SEC(".maps");

/* A queue without writes: too large for a program's stack. */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct queue);
} empty_queue SEC(".maps");

INLINE struct used *used_of(u64 cookie, u64 stack, u32 tgid)
{
	struct use_key key = { .cookie = cookie, .stack = stack };
	struct used *used = bpf_map_lookup_elem(&uses, &key);
	struct used none = { .tgid = tgid };

	if (used)
		return used;
	if (bpf_map_update_elem(&uses, &key, &none, BPF_NOEXIST))
		count_lost(LOST_TRAFFIC);
	return bpf_map_lookup_elem(&uses, &key);
}

INLINE struct queue *queue_of(u64 cookie)
{
	struct queue *queue = bpf_map_lookup_elem(&queues, &cookie), *none;
	u32 zero = 0;

	if (queue)
		return queue;
	none = bpf_map_lookup_elem(&empty_queue, &zero);
	if (!none)
		return NULL;
	if (bpf_map_update_elem(&queues, &cookie, none, BPF_NOEXIST))
		count_lost(LOST_TRAFFIC);
	return bpf_map_lookup_elem(&queues, &cookie);
}

/*
 * Notes a write. Code that writes on has one entry; what two threads write to one socket at the same moment
 * may be taken for one's.
 */
INLINE void note_write(struct queue *queue, struct tcp_sock *tcp, u64 stack, u32 len)
{
	u32 end_seq = READ(tcp, write_seq);
	struct written *last = &queue->writes[(queue->next - 1) & (WRITES - 1)];

	queue->last_writer = stack;
	if (!queue->next)
		queue->base = READ(tcp, snd_una) - (u32)READ(tcp, bytes_acked);
	if (queue->next && last->stack == stack && last->end_seq == end_seq - len) {
		last->end_seq = end_seq;
		last->len += len;
		return;
	}
	last = &queue->writes[queue->next & (WRITES - 1)];
	last->stack = stack;
	last->end_seq = end_seq;
	last->len = len;
	queue->next++;
}

static __attribute__((noinline)) int on_use(struct sock *sk, u64 cookie, u32 protocol, s32 length,
					    bool sends)
{
	u32 tgid = current_tgid();
	struct queue *queue;
	struct used *used;
	u64 stack;

	if (!in_scope(tgid) || !cookie)
		return 0;
	stack = take_stack(tgid, current_tid());
	used = used_of(cookie, stack, tgid);
	if (used) {
		__sync_fetch_and_add(sends ? &used->sent : &used->received, (u64)length);
		__sync_fetch_and_add(sends ? &used->sends : &used->receives, 1);
	}
	queue = queue_of(cookie);
	if (!queue)
		return 0;
	if (!sends)
		queue->last_reader = stack;
	else if (protocol == IPPROTO_TCP)
		note_write(queue, (struct tcp_sock *)sk, stack, length);
	else
		queue->last_writer = stack;
	return 0;
}

SEC("tp_btf/sock_send_length")
int uses_sent(u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	s32 length = ctx[1];

	if (length <= 0)
		return 0;
	return on_use(sk, COOKIE_OF(sk), sk->sk_protocol, length, true);
}

SEC("tp_btf/sock_recv_length")
int uses_received(u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	s32 length = ctx[1], flags = ctx[2];

	if (length <= 0 || flags & PEEKS)
		return 0;
	return on_use(sk, COOKIE_OF(sk), sk->sk_protocol, length, false);
}

INLINE int on_use_of(struct socket *socket, s64 length, bool sends)
{
	struct sock *sk = socket->sk;

	if (length <= 0 || !sk)
		return 0;
	return on_use(sk, COOKIE_OF(sk), sk->sk_protocol, length, sends);
}

/* inet_sendmsg(struct socket *, struct msghdr *, size_t) and what it returned. */
SEC("fexit/inet_sendmsg")
int uses_sent_inet(u64 *ctx)
{
	return on_use_of((struct socket *)ctx[0], (s32)ctx[3], true);
}

SEC("fexit/inet6_sendmsg")
int uses_sent_inet6(u64 *ctx)
{
	return on_use_of((struct socket *)ctx[0], (s32)ctx[3], true);
}

/* inet_recvmsg(struct socket *, struct msghdr *, size_t, int flags) and what it returned. */
SEC("fexit/inet_recvmsg")
int uses_received_inet(u64 *ctx)
{
	return (int)ctx[3] & PEEKS ? 0 : on_use_of((struct socket *)ctx[0], (s32)ctx[4], false);
}

SEC("fexit/inet6_recvmsg")
int uses_received_inet6(u64 *ctx)
{
	return (int)ctx[3] & PEEKS ? 0 : on_use_of((struct socket *)ctx[0], (s32)ctx[4], false);
}

/* A TCP socket that is closed has no queue any more. */
SEC("tp_btf/inet_sock_set_state")
int queues_end(u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	u64 cookie;

	if ((int)ctx[2] != TCP_CLOSE)
		return 0;
	cookie = COOKIE_OF(sk);
	bpf_map_delete_elem(&queues, &cookie);
	return 0;
}

#endif
