/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * From a file to the socket it is, by reading memory that may vanish meanwhile.
 *
 * The iterators run under rcu_read_lock: sockets' inodes, network namespaces and cgroups are freed
 * behind it, so what an address meant when the program began it means until it ends. A struct sock
 * may be freed and used again at once, so the socket is asked again which one it has.
 */
#ifndef PLUMB_OWNERS_SOCKET_H
#define PLUMB_OWNERS_SOCKET_H

#include "../kernel.h"
#include "record.h"

/* What was looked up last: the sockets of a process nearly always share these. */
struct seen {
	u64 sockfs;
	u64 net;
	u64 cgroup;
	u64 cgroup_id;
	u32 netns;
	u32 reserved;
};

/* Gives the inode of a file that is a socket, else NULL. A path to a unix socket is none. */
INLINE struct inode *socket_inode(struct file *file, struct seen *seen)
{
	struct inode *inode = READ(file, f_inode);
	struct super_block *super;

	if ((READ(inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	super = READ(inode, i_sb);
	if ((u64)super != seen->sockfs) {
		if (READ(super, s_magic) != SOCKFS_MAGIC)
			return NULL;
		seen->sockfs = (u64)super;
	}
	return inode;
}

INLINE u32 netns_of(struct sock *sk, struct seen *seen)
{
	struct net *net = READ(sk, __sk_common.skc_net.net);

	if ((u64)net != seen->net) {
		seen->netns = READ(net, ns.inum);
		seen->net = (u64)net;
	}
	return seen->netns;
}

INLINE u64 cgroup_of(struct sock *sk, struct seen *seen)
{
	struct cgroup *cgroup;

	if (!HAS(sk, sk_cgrp_data.cgroup))
		return 0;
	cgroup = READ(sk, sk_cgrp_data.cgroup);
	if ((u64)cgroup != seen->cgroup) {
		struct kernfs_node *node = READ(cgroup, kn);

		seen->cgroup_id = READ(node, id);
		seen->cgroup = (u64)cgroup;
	}
	return seen->cgroup_id;
}

/* Fills what the socket tells; false when it was being closed. */
INLINE bool fill_socket(struct socket_file *record, struct inode *inode, struct seen *seen)
{
	struct socket_alloc *both =
		(void *)inode - OFFSET((struct socket_alloc *)0, vfs_inode);
	struct sock *sk = READ(both, socket.sk);

	if (!sk)
		return false;
	record->inode = READ(inode, i_ino);
	record->cookie = READ(sk, __sk_common.skc_cookie.counter);
	record->cgroup = cgroup_of(sk, seen);
	record->netns = netns_of(sk, seen);
	record->family = READ(sk, __sk_common.skc_family);
	record->type = READ(sk, sk_type);
	record->protocol = READ(sk, sk_protocol);
	return READ(both, socket.sk) == sk;
}

/* Gives the pid of a task as the namespace at this depth counts; 0 when it is not seen there. */
INLINE u32 pid_at(struct task_struct *task, u32 level, struct pid_namespace *ns)
{
	struct pid *pid = READ(task, thread_pid);
	struct upid number = {};

	if (!pid || READ(pid, level) < level)
		return 0;
	bpf_probe_read_kernel(&number, sizeof(number),
			      (void *)__builtin_preserve_access_index(&pid->numbers) +
				      level * sizeof(number));
	return number.ns == ns ? number.nr : 0;
}

/* Fills what the task tells; false when the reader's namespace of processes does not show it. */
INLINE bool fill_task(struct socket_file *record, struct task_struct *task)
{
	struct task_struct *reader = (void *)bpf_get_current_task();
	struct pid *pid = READ(reader, thread_pid);
	u32 level = READ(pid, level);
	struct task_struct *leader = READ(task, group_leader);
	struct upid own = {};

	bpf_probe_read_kernel(&own, sizeof(own),
			      (void *)__builtin_preserve_access_index(&pid->numbers) +
				      level * sizeof(own));
	record->tid = pid_at(task, level, own.ns);
	record->tgid = pid_at(leader, level, own.ns);
	record->start_ns = READ(leader, start_boottime);
	bpf_probe_read_kernel(record->comm, sizeof(record->comm),
			      __builtin_preserve_access_index(&leader->comm));
	return record->tid && record->tgid;
}

/* Gives the file behind a descriptor of a table. */
INLINE struct file *file_at(struct fdtable *table, u32 fd)
{
	struct file **slots = READ(table, fd);
	struct file *file = NULL;

	bpf_probe_read_kernel(&file, sizeof(file), slots + fd);
	return file;
}

#endif
