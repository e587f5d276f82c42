/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Loader: light */
/*
 * Sockets of all processes, or those of a set of inodes, read from the tasks' tables of files.
 *
 * The kernel's walk over files (iter/task_file) takes and gives back a reference for each file; this
 * one only looks, and so costs less for each descriptor. What it finds goes to an array that the
 * reader has mapped. When the array is full, or one task took long, the program asks to be called
 * again for the same task (its result 1 is EAGAIN of the reader's read()) and goes on where it was.
 *
 * Minimum kernel version: 5.17 (bpf_loop).
 */
#include "socket.h"

LICENSE;

enum {
	/* Records between two reads. */
	ROOM = 16384,
	/* Descriptors looked at before others may use the processor. */
	PATIENCE = 65536,
	/* Bits of the set of inodes. */
	FILTER_BITS = 1 << 20,
};

/* Shared with the reader. */
struct control {
	/* Not 0: only inodes in the filter. */
	u32 filtered;
	/* Records in `found`; the reader takes them and sets this to 0. */
	u32 count;
	/* Where to go on: a task, and the descriptor. 0: nowhere. */
	u32 tid;
	u32 fd;
	u64 start_ns;
	/* Tasks looked at and descriptors passed, for the reader's curiosity. */
	u64 tasks;
	u64 descriptors;
	/* One bit for each inode wanted, at the hash of its number. */
	u64 filter[FILTER_BITS / 64];
};

_Static_assert(sizeof(struct control) == 40 + FILTER_BITS / 8, "the Rust side maps this");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, 1);
	MAP_UINT(map_flags, BPF_F_MMAPABLE);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct control);
} control SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, ROOM);
	MAP_UINT(map_flags, BPF_F_MMAPABLE);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct socket_file);
} found SEC(".maps");

struct walk {
	struct task_struct *task;
	struct files_struct *files;
	struct fdtable *table;
	struct file **slots;
	struct control *control;
	/* The leader's table, for a thread that has another; else NULL. */
	struct fdtable *leaders;
	u32 first;
	u32 next;
	/* The array was full. */
	u32 full;
	u32 leaders_max;
	struct seen seen;
	struct socket_file task_part;
};

/* Says whether an inode may be wanted: the reader sorts out the few that share a bit. */
INLINE bool wanted(struct control *control, u64 inode)
{
	u32 bit = (u32)((inode * 0x9E3779B97F4A7C15ULL) >> 44);

	return control->filter[(bit / 64) & (FILTER_BITS / 64 - 1)] >> (bit % 64) & 1;
}

static long each_descriptor(u32 index, struct walk *walk)
{
	struct control *control = walk->control;
	u32 fd = walk->first + index;
	struct socket_file *record;
	struct inode *inode;
	struct file *file;
	u32 count;

	walk->next = fd + 1;
	bpf_probe_read_kernel(&file, sizeof(file), walk->slots + fd);
	if (!file)
		return 0;
	inode = socket_inode(file, &walk->seen);
	if (!inode)
		return 0;
	if (control->filtered && !wanted(control, READ(inode, i_ino)))
		return 0;
	if (walk->leaders && fd < walk->leaders_max && file_at(walk->leaders, fd) == file)
		return 0;
	count = control->count;
	record = bpf_map_lookup_elem(&found, &count);
	if (!record) {
		walk->next = fd;
		walk->full = 1;
		return 1;
	}
	*record = walk->task_part;
	record->fd = fd;
	if (!fill_socket(record, inode, &walk->seen))
		return 0;
	/* Still the same table and the same file: nothing of this was read from the dead. */
	if (READ(walk->task, files) != walk->files)
		return 1;
	bpf_probe_read_kernel(&inode, sizeof(inode), walk->slots + fd);
	if ((void *)inode == (void *)file)
		control->count = count + 1;
	return 0;
}

SEC("iter/task")
int plumb_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct walk walk = {};
	u32 zero = 0;
	u32 max, count;

	if (!task)
		return 0;
	walk.control = bpf_map_lookup_elem(&control, &zero);
	if (!walk.control)
		return 0;
	walk.files = task->files;
	if (!walk.files)
		return 0;
	if (task->pid != task->tgid) {
		struct files_struct *leaders = task->group_leader->files;

		if (leaders == walk.files)
			return 0;
		if (leaders) {
			walk.leaders = leaders->fdt;
			walk.leaders_max = leaders->fdt->max_fds;
		}
	}
	walk.task = task;
	walk.table = walk.files->fdt;
	max = READ(walk.table, max_fds);
	walk.slots = READ(walk.table, fd);
	if (walk.control->tid == (u32)task->pid && walk.control->start_ns == task->start_boottime)
		walk.first = walk.control->fd;
	else
		walk.control->tasks++;
	walk.control->tid = 0;
	if (walk.first >= max || !fill_task(&walk.task_part, task))
		return 0;
	count = max - walk.first;
	if (count > PATIENCE)
		count = PATIENCE;
	walk.next = walk.first;
	bpf_loop(count, each_descriptor, &walk, 0);
	walk.control->descriptors += walk.next - walk.first;
	if (!walk.full && walk.next >= max)
		return 0;
	if (READ(task, files) != walk.files)
		return 0;
	walk.control->tid = task->pid;
	walk.control->fd = walk.next;
	walk.control->start_ns = task->start_boottime;
	return 1;
}
