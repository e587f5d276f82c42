/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Loader: light */
/*
 * Sockets of all processes, one record for each descriptor, through the kernel's own walk over files.
 *
 * Has no map and needs nothing but to be opened, so it can be pinned for readers without any
 * capability. The kernel holds the file, so nothing of it goes away meanwhile.
 *
 * Minimum kernel version: 6.2; files_plain.bpf.c is the same for 5.8 (iter/task_file) and later.
 */
#ifndef PLAIN
#define VIEW_BY_CAST
#endif
#include "../socket.h"

LICENSE;

SEC("iter/task_file")
int plumb_files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket_file record = {};
	struct seen seen = {};
	struct task_struct *leader;
	struct files_struct *leaders;
	struct socket_alloc *socket;

	if (!task || !file)
		return 0;
	socket = socket_of(file, &seen);
	if (!socket)
		return 0;
	/* A thread with a table of its own: what it has in common with its leader is told there. */
	leader = READ(task, group_leader);
	if (leader != task) {
		leaders = READ(leader, files);
		if (leaders) {
			struct fdtable *table = READ(leaders, fdt);

			if (ctx->fd < READ(table, max_fds) &&
			    file_at(READ(table, fd), ctx->fd) == file)
				return 0;
		}
	}
	if (!fill_socket(&record, socket, &seen) || !fill_task(&record, task))
		return 0;
	record.fd = ctx->fd;
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}
