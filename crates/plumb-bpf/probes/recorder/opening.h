/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What connect() and accept() returned. No tracepoint is inside them, so those of the system calls are used,
 * through perf: of all hooks of calls these cost other calls the least. Only where the calls return: their arguments
 * are still in the registers. Minimum kernel version: 4.7, with CONFIG_FTRACE_SYSCALLS; from 6.2 on it costs less
 * (CAST).
 */
#ifndef PLUMB_RECORDER_OPENING_H
#define PLUMB_RECORDER_OPENING_H

#include "bound.h"
#include "socket.h"
#include "stack.h"
#include "states.h"

/* The arguments of connect(), or of bind(). */
struct attempt {
	s32 fd;
	u32 len;
	u64 address;
};

INLINE void read_registers_of_attempt(bool typed, struct attempt *attempt, void *registers)
{
	struct pt_regs___x86 *x86 = registers;
	struct pt_regs___arm64 *arm64 = registers;

	if (HAS(x86, di)) {
		attempt->fd = PEEK(typed, x86, di);
		attempt->address = PEEK(typed, x86, si);
		attempt->len = PEEK(typed, x86, dx);
	} else if (HAS(arm64, pc)) {
		/* The first register has the result by now. */
		attempt->fd = PEEK(typed, arm64, orig_x0);
		attempt->address = PEEK(typed, arm64, regs[1]);
		attempt->len = PEEK(typed, arm64, regs[2]);
	}
}

INLINE void read_attempt(struct attempt *attempt)
{
	if (HAVE_HELPERS)
		read_registers_of_attempt(TYPED, attempt, bpf_task_pt_regs(bpf_get_current_task_btf()));
	else
		read_registers_of_attempt(UNTYPED, attempt, saved_registers());
}

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

/* A cookie that may not have been made: these programs' types have no helper that would. */
INLINE u64 cookie_read(bool casts, struct sock *sk)
{
	u64 cookie = LOOK(casts, sk, __sk_common.skc_cookie.counter);

	return cookie || HAVE_HELPERS ? cookie : (u64)sk;
}

/* Of a socket that was cast members are loaded as of one whose type the verifier knows. */
INLINE struct sock *to_look_at(bool casts, struct sock *sk)
{
	return casts ? CAST(sk) : sk;
}

INLINE int on_accepted(bool casts, s64 fd)
{
	u32 tgid = current_tgid();
	struct known *known;
	struct event *event;
	struct sock *sk;
	u64 cookie, stack;

	if (fd < 0 || !in_scope(tgid))
		return 0;
	sk = sock_of(casts, fd);
	if (!sk || LOOK(casts, sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	cookie = cookie_read(casts, sk);
	sk = to_look_at(casts, sk);
	stack = take_stack(tgid, current_tid());
	event = begin_event(EVENT_ACCEPT);
	if (!event)
		return 0;
	event->cookie = cookie;
	event->result = fd;
	event->stack = stack;
	event->old_state = TCP_ESTABLISHED;
	event->new_state = PEEK(casts, sk, __sk_common.skc_state);
	put_task(event, tgid);
	known = cookie ? bpf_map_lookup_elem(&sockets, &cookie) : NULL;
	if (known) {
		known->tgid = tgid;
		put_lasting_ends(casts, event, sk, known);
	} else {
		put_ends(casts, event, sk);
		if (cookie && event->new_state != TCP_CLOSE)
			remember(cookie, event, tgid);
	}
	send_event(event);
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

INLINE int on_connect_returned(bool casts, s64 result)
{
	struct attempt attempt = { .fd = -1 };
	u32 tgid = current_tgid();
	struct known *known;
	struct event *event;
	struct sock *sk;
	u64 cookie;

	if (!in_scope(tgid))
		return 0;
	read_attempt(&attempt);
	sk = sock_of(casts, attempt.fd);
	if (!sk)
		return 0;
	cookie = cookie_read(casts, sk);
	known = cookie ? bpf_map_lookup_elem(&sockets, &cookie) : NULL;
	sk = to_look_at(casts, sk);
	if (known && !known->local_port)
		note_chosen_port(sk, cookie, known);
	if (PEEK(casts, sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	event = begin_event(EVENT_CONNECT_RETURNED);
	if (!event)
		return 0;
	event->cookie = cookie;
	event->result = result;
	event->new_state = PEEK(casts, sk, __sk_common.skc_state);
	if (known && known->local_port && known->peer_port)
		put_lasting_ends(casts, event, sk, known);
	else
		put_ends(casts, event, sk);
	put_task(event, tgid);
	if (event->peer_port == 0)
		put_address(event, &attempt);
	/* An attempt that never left CLOSE has no other event, so its code is asked for here. */
	if (result < 0 && event->new_state == TCP_CLOSE)
		event->stack = take_stack(tgid, event->tid);
	send_event(event);
	return 0;
}

/* Context of the tracepoints of single calls: 8 bytes common, the number, the result. */
struct call_ends {
	u64 common;
	s64 number;
	s64 result;
};

SEC("tracepoint/syscalls/sys_exit_connect")
int connect_ends(struct call_ends *ctx)
{
	return on_connect_returned(CASTS, ctx->result);
}

SEC("tracepoint/syscalls/sys_exit_accept")
int accept_ends(struct call_ends *ctx)
{
	return on_accepted(CASTS, ctx->result);
}

SEC("tracepoint/syscalls/sys_exit_accept4")
int accept4_ends(struct call_ends *ctx)
{
	return on_accepted(CASTS, ctx->result);
}

/* The same where there are no casts. */
SEC("tracepoint/syscalls/sys_exit_connect")
int connect_ends_old(struct call_ends *ctx)
{
	return on_connect_returned(NO_CASTS, ctx->result);
}

SEC("tracepoint/syscalls/sys_exit_accept")
int accept_ends_old(struct call_ends *ctx)
{
	return on_accepted(NO_CASTS, ctx->result);
}

SEC("tracepoint/syscalls/sys_exit_accept4")
int accept4_ends_old(struct call_ends *ctx)
{
	return on_accepted(NO_CASTS, ctx->result);
}

#endif
