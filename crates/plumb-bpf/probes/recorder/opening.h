/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What connect() and accept() returned. No tracepoint is inside them, so those of the system calls are used,
 * through perf. Minimum kernel version: 4.7, with CONFIG_FTRACE_SYSCALLS.
 */
#ifndef PLUMB_RECORDER_OPENING_H
#define PLUMB_RECORDER_OPENING_H

#include "bound.h"
#include "socket.h"
#include "stack.h"
#include "states.h"

/* A connect() under way. */
struct attempt {
	s32 fd;
	u32 len;
	u64 address;
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct attempt);
} attempts SEC(".maps");

/* The socket that a file is; NULL when it is none. */
INLINE struct sock *sock_of_file(bool casts, struct file *file)
{
	struct inode *inode = LOOK(casts, file, f_inode);
	struct socket *socket;

	if ((LOOK(casts, inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	/* A path to a unix socket (O_PATH) has none. */
	socket = LOOK(casts, file, private_data);
	return socket ? LOOK(casts, socket, sk) : NULL;
}

/* The file behind a descriptor of the running process. */
INLINE struct file *file_of(bool casts, s32 fd)
{
	struct file **slots, *file = NULL;
	u32 max;

	if (HAVE_HELPERS) {
		struct task_struct *task = bpf_get_current_task_btf();
		struct fdtable *table = task->files->fdt;

		slots = table->fd;
		max = table->max_fds;
	} else {
		struct task_struct *task = (struct task_struct *)bpf_get_current_task();
		struct fdtable *table = READ(READ(task, files), fdt);

		slots = READ(table, fd);
		max = READ(table, max_fds);
	}
	if (fd < 0 || (u32)fd >= max)
		return NULL;
	if (casts)
		return (struct file *)CAST((struct list_head *)(slots + fd))->next;
	bpf_probe_read_kernel(&file, sizeof(file), slots + fd);
	return file;
}

/* The socket behind a descriptor of the running process; NULL when it is none. */
INLINE struct sock *sock_of(bool casts, s32 fd)
{
	struct file *file = file_of(casts, fd);

	return file ? sock_of_file(casts, file) : NULL;
}

/* A cookie that may not have been made: this program's type has no helper that would. */
INLINE u64 cookie_read(struct sock *sk)
{
	u64 cookie = READ(&sk->__sk_common, skc_cookie).counter;

	return cookie || HAVE_HELPERS ? cookie : (u64)sk;
}

static __attribute__((noinline)) int on_accepted(s64 fd)
{
	u32 tgid = current_tgid();
	struct known *known;
	struct event *event;
	struct sock *sk;
	u64 cookie, stack;

	if (fd < 0 || !in_scope(tgid))
		return 0;
	sk = sock_of(NO_CASTS, fd);
	if (!sk || READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	cookie = cookie_read(sk);
	stack = take_stack(tgid, current_tid());
	event = begin_event(EVENT_ACCEPT);
	if (!event)
		return 0;
	event->cookie = cookie;
	event->result = fd;
	event->stack = stack;
	event->old_state = TCP_ESTABLISHED;
	event->new_state = READ(&sk->__sk_common, skc_state);
	put_task(event, tgid);
	known = cookie ? bpf_map_lookup_elem(&sockets, &cookie) : NULL;
	if (known) {
		known->tgid = tgid;
		put_lasting_ends(UNTYPED, event, sk, known);
	} else {
		put_ends(UNTYPED, event, sk);
		if (cookie && event->new_state != TCP_CLOSE)
			remember(cookie, event, tgid);
	}
	send_event(event);
	return 0;
}

static __attribute__((noinline)) int on_connect(s32 fd, u64 address, u32 len)
{
	struct attempt attempt = { .fd = fd, .len = len, .address = address };
	u32 tid = (u32)bpf_get_current_pid_tgid();

	if (in_scope(current_tgid()) && bpf_map_update_elem(&attempts, &tid, &attempt, 0))
		count_lost(LOST_CALLS);
	return 0;
}

/* The address that connect() was given, for a socket that does not have it (any more). */
INLINE void put_address(struct event *event, const struct attempt *attempt)
{
	struct {
		u16 family, port;
		u32 flow_or_address;
		u8 address6[16];
	} given = {};

	if (attempt->len < 8 || bpf_probe_read_user(&given, 8, (void *)attempt->address))
		return;
	if (given.family == AF_INET) {
		*(u32 *)event->peer = given.flow_or_address;
	} else if (given.family == AF_INET6 && attempt->len >= 24) {
		if (bpf_probe_read_user(event->peer, 16, (void *)(attempt->address + 8)))
			return;
	} else {
		return;
	}
	if (!event->family)
		event->family = given.family;
	event->peer_port = __builtin_bswap16(given.port);
}

static __attribute__((noinline)) int on_connect_returned(s64 result)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();
	struct attempt *found = bpf_map_lookup_elem(&attempts, &tid);
	struct attempt attempt;
	u32 tgid = current_tgid();
	struct known *known;
	struct event *event;
	struct sock *sk;
	u64 cookie;

	if (!found)
		return 0;
	attempt = *found;
	bpf_map_delete_elem(&attempts, &tid);
	sk = sock_of(NO_CASTS, attempt.fd);
	if (!sk)
		return 0;
	cookie = cookie_read(sk);
	if (READ(sk, sk_protocol) != IPPROTO_TCP)
		return MADE ? on_datagrams_connected(sk, cookie, tgid) : 0;
	event = begin_event(EVENT_CONNECT_RETURNED);
	if (!event)
		return 0;
	event->cookie = cookie;
	event->result = result;
	event->new_state = READ(&sk->__sk_common, skc_state);
	known = cookie ? bpf_map_lookup_elem(&sockets, &cookie) : NULL;
	if (known && known->local_port && known->peer_port)
		put_lasting_ends(UNTYPED, event, sk, known);
	else
		put_ends(UNTYPED, event, sk);
	put_task(event, tgid);
	if (event->peer_port == 0)
		put_address(event, &attempt);
	/* An attempt that never left CLOSE has no other event, so its code is asked for here. */
	if (result < 0 && event->new_state == TCP_CLOSE)
		event->stack = take_stack(tgid, event->tid);
	send_event(event);
	return 0;
}

/* Contexts of the tracepoints of single calls: 8 bytes common, the number, then arguments or result. */
struct call_begins {
	u64 common;
	s64 number;
	u64 args[6];
};

struct call_ends {
	u64 common;
	s64 number;
	s64 result;
};

SEC("tracepoint/syscalls/sys_enter_connect")
int connect_begins(struct call_begins *ctx)
{
	return on_connect(ctx->args[0], ctx->args[1], ctx->args[2]);
}

SEC("tracepoint/syscalls/sys_exit_connect")
int connect_ends(struct call_ends *ctx)
{
	return on_connect_returned(ctx->result);
}

SEC("tracepoint/syscalls/sys_exit_accept")
int accept_ends(struct call_ends *ctx)
{
	return on_accepted(ctx->result);
}

SEC("tracepoint/syscalls/sys_exit_accept4")
int accept4_ends(struct call_ends *ctx)
{
	return on_accepted(ctx->result);
}

#endif
