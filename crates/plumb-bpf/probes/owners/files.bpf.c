/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Loader: light */
/*
 * Sockets of all processes, one record for each descriptor, through the kernel's own walk over files.
 *
 * Has no map and needs nothing but to be opened, so it can be pinned for readers without any
 * capability. Minimum kernel version: 5.8 (iter/task_file); pids are those of the reader's
 * namespace.
 */
#include "socket.h"

LICENSE;

SEC("iter/task_file")
int plumb_files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket_file record = {};
	struct seen seen = {};
	struct task_struct *leader;
	struct inode *inode;

	if (!task || !file)
		return 0;
	if ((file->f_inode->i_mode & S_IFMT) != S_IFSOCK)
		return 0;
	inode = socket_inode(file, &seen);
	if (!inode)
		return 0;
	/* A thread with a table of its own: what it has in common with its leader was told there. */
	leader = task->group_leader;
	if (task->pid != task->tgid && leader->files &&
	    file_at(READ(leader->files, fdt), ctx->fd) == file)
		return 0;
	if (!fill_socket(&record, inode, &seen) || !fill_task(&record, task))
		return 0;
	record.fd = ctx->fd;
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}
