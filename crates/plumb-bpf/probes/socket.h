/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * From a file to the socket it is, by reading memory that may vanish meanwhile.
 *
 * The iterators run under rcu_read_lock, behind which sockets' inodes, network namespaces and cgroups
 * are freed: what an address meant when the program began it means until it ends. Files and socks
 * are not, so a record counts only when the file is still behind its descriptor after everything
 * was read.
 */
#ifndef PLUMB_SOCKET_H
#define PLUMB_SOCKET_H

#include "kernel.h"
#include "socket_file.h"

/* What was looked up last: the sockets of a process nearly always share these. */
struct seen {
	u64 sockfs;
	u64 net;
	u64 cgroup;
	u64 cgroup_id;
	u32 netns;
	u32 reserved;
};

#define AT(type, member) OFFSET((struct type *)0, member)

/*
 * Gives the socket that a file is, with its inode, which are one object; else NULL. A path to a unix
 * socket is an inode of another file system.
 *
 * All members are looked up in this one type. Each type costs a search through all types of the kernel
 * when the program is loaded, and the kernel remembers only the last few.
 */
INLINE struct socket_alloc *socket_of(struct file *file, struct seen *seen)
{
	u64 inode = (u64)GET(VIEW(file, struct file), f_inode);
	/* Of any other inode, what stands before it is not looked at. */
	struct socket_alloc *socket =
		VIEW(inode - AT(socket_alloc, vfs_inode), struct socket_alloc);
	struct super_block *super;

	if ((GET(socket, vfs_inode.i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	super = GET(socket, vfs_inode.i_sb);
	if ((u64)super != seen->sockfs) {
		if (GET(super, s_magic) != SOCKFS_MAGIC)
			return NULL;
		seen->sockfs = (u64)super;
	}
	return socket;
}

INLINE u32 netns_of(struct sock *sk, struct seen *seen)
{
	struct net *net = GET(sk, __sk_common.skc_net.net);

	if ((u64)net != seen->net) {
		seen->netns = GET(net, ns.inum);
		seen->net = (u64)net;
	}
	return seen->netns;
}

INLINE u64 cgroup_of(struct sock *sk, struct seen *seen)
{
	struct cgroup *cgroup;

	if (!HAS(sk, sk_cgrp_data.cgroup))
		return 0;
	cgroup = GET(sk, sk_cgrp_data.cgroup);
	if ((u64)cgroup != seen->cgroup) {
		struct kernfs_node *node = GET(cgroup, kn);

		seen->cgroup_id = GET(node, id);
		seen->cgroup = (u64)cgroup;
	}
	return seen->cgroup_id;
}

/* Fills what the socket tells; false when it has no sock any more. */
INLINE bool fill_socket(struct socket_file *record, struct socket_alloc *socket, struct seen *seen)
{
	struct sock *sk = GET(socket, socket.sk);

	if (!sk)
		return false;
	record->inode = GET(socket, vfs_inode.i_ino);
	record->type = GET(socket, socket.type);
	record->family = GET(sk, __sk_common.skc_family);
	record->cookie = GET(sk, __sk_common.skc_cookie.counter);
	record->protocol = GET(sk, sk_protocol);
	record->netns = netns_of(sk, seen);
	record->cgroup = cgroup_of(sk, seen);
	return true;
}

/* Gives the number of a pid in the namespace of processes at this depth; 0 when it has none there. */
INLINE u32 number_at(struct pid *pid, u32 level, u64 ns)
{
	struct upid number = {};

	if (!pid || GET(pid, level) < level)
		return 0;
	bpf_probe_read_kernel(&number, sizeof(number),
			      (void *)pid + AT(pid, numbers) + level * sizeof(number));
	return (u64)number.ns == ns ? number.nr : 0;
}

/* Fills what the task tells; false when the reader's namespace of processes does not show it. */
INLINE bool fill_task(struct socket_file *record, struct task_struct *trusted)
{
	struct task_struct *reader = VIEW(bpf_get_current_task(), struct task_struct);
	struct task_struct *task = VIEW(trusted, struct task_struct);
	struct task_struct *leader = GET(task, group_leader);
	struct pid *pid = GET(reader, thread_pid);
	u32 level = GET(pid, level);
	struct upid own = {};

	bpf_probe_read_kernel(&own, sizeof(own),
			      (void *)pid + AT(pid, numbers) + level * sizeof(own));
	record->tid = number_at(GET(task, thread_pid), level, (u64)own.ns);
	record->tgid = number_at(GET(leader, thread_pid), level, (u64)own.ns);
	record->start_ns = GET(leader, start_boottime);
	bpf_probe_read_kernel(record->comm, sizeof(record->comm),
			      (void *)leader + AT(task_struct, comm));
	return record->tid && record->tgid;
}

/* Gives the file behind a descriptor of a table. */
INLINE struct file *file_at(struct file **slots, u32 fd)
{
	struct file *file = NULL;

	bpf_probe_read_kernel(&file, sizeof(file), slots + fd);
	return file;
}

#endif
