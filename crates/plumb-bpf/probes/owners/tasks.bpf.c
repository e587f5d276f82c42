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
 * Minimum kernel version: 6.2; tasks_plain.bpf.c is the same for 5.17 (bpf_loop) and later.
 */
#ifndef PLAIN
#define VIEW_BY_CAST
#endif
#include "../socket.h"

LICENSE;

enum {
	/* Records between two reads. */
	ROOM = 16384,
	/* Descriptors looked at before others may use the processor; a multiple of CHUNK. */
	PATIENCE = 65536,
	/* Descriptors in a word of open_fds; tables are multiples of it. */
	CHUNK = 64,
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
	/* Tables looked into, and descriptors passed: how much work it was. */
	u64 tables;
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

/* How far the walk over one table is. */
struct walk {
	struct task_struct *task;
	struct files_struct *files;
	struct file **slots;
	u64 *open;
	/* The leader's table, for a thread that has another; else NULL. */
	struct file **leaders;
	u32 leaders_max;
	u32 first;
	u32 next;
	/* Where the table ends. */
	u32 max;
	/* Records that are certain: the table was still the task's when they had been read. */
	u32 certain;
	/* The open descriptors among those in `chunk`. */
	u64 word;
	/* The array was full. */
	u32 full;
	u32 task_is_filled;
	struct seen seen;
	struct socket_file task_part;
	struct file *chunk[CHUNK];
};

/*
 * In a map although it is a local variable: of what is on the stack the verifier knows every value, and
 * follows each that differs; of what is in a map it knows nothing, and is done ten times sooner.
 * Not shared with the reader, because addresses of the kernel are in it.
 */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct walk);
} scratch SEC(".maps");

/* What the callback is given. */
struct both {
	struct control *control;
	struct walk *walk;
};

/* Says whether an inode may be wanted: the reader sorts out the few that share a bit. */
INLINE bool wanted(struct control *control, u64 inode)
{
	u32 bit = (u32)((inode * 0x9E3779B97F4A7C15ULL) >> 44);

	return control->filter[(bit / 64) & (FILTER_BITS / 64 - 1)] >> (bit % 64) & 1;
}

/*
 * Makes what was found so far certain, or takes it back: a task that ended has given its table away,
 * and whose it is now nobody knows.
 */
INLINE bool is_still_its_table(struct walk *walk, struct control *control)
{
	if (READ(walk->task, files) != walk->files) {
		control->count = walk->certain;
		return false;
	}
	walk->certain = control->count;
	return true;
}

static long each_descriptor(u32 index, struct both *both)
{
	struct control *control = both->control;
	struct walk *walk = both->walk;
	u32 fd = walk->next;
	u32 slot = fd % CHUNK;
	struct socket_file *record;
	struct socket_alloc *socket;
	struct file *file;
	u32 count;
	u64 word;

	if (fd >= walk->max)
		return 1;
	if (slot == 0 || index == 0) {
		if (!is_still_its_table(walk, control))
			return 1;
		bpf_probe_read_kernel(&walk->word, sizeof(walk->word), walk->open + fd / CHUNK);
		if (walk->word)
			bpf_probe_read_kernel(walk->chunk, sizeof(walk->chunk),
					      walk->slots + (fd - slot));
	}
	word = walk->word >> slot;
	/* A table keeps the size it once needed: where nothing is open any more is passed in one step. */
	if (!word) {
		walk->next = fd - slot + CHUNK;
		return 0;
	}
	walk->next = fd + 1;
	if (!(word & 1))
		return 0;
	file = walk->chunk[slot];
	if (!file)
		return 0;
	socket = socket_of(file, &walk->seen);
	if (!socket)
		return 0;
	if (control->filtered && !wanted(control, GET(socket, vfs_inode.i_ino)))
		return 0;
	if (fd < walk->leaders_max && file_at(walk->leaders, fd) == file)
		return 0;
	if (!walk->task_is_filled) {
		/* Nobody the reader may know: done with this task. */
		if (!fill_task(&walk->task_part, walk->task)) {
			walk->next = walk->max;
			return 1;
		}
		walk->task_is_filled = 1;
	}
	count = control->count;
	record = bpf_map_lookup_elem(&found, &count);
	if (!record) {
		walk->next = fd;
		walk->full = 1;
		return 1;
	}
	*record = walk->task_part;
	record->fd = fd;
	if (fill_socket(record, socket, &walk->seen) && file_at(walk->slots, fd) == file)
		control->count = count + 1;
	return 0;
}

/* Prepares a walk over a task's table; false when there is none, or it is its leader's. */
INLINE bool begin(struct walk *walk, struct task_struct *task)
{
	struct task_struct *leader = READ(task, group_leader);

	*walk = (struct walk){};
	walk->task = task;
	walk->files = READ(task, files);
	if (!walk->files)
		return false;
	if (leader != task) {
		struct files_struct *leaders = READ(leader, files);

		if (leaders == walk->files)
			return false;
		if (leaders) {
			struct fdtable *table = READ(leaders, fdt);

			walk->leaders = READ(table, fd);
			walk->leaders_max = READ(table, max_fds);
		}
	}
	return true;
}

SEC("iter/task")
int plumb_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	u32 zero = 0;
	struct both both = {
		.control = bpf_map_lookup_elem(&control, &zero),
		.walk = bpf_map_lookup_elem(&scratch, &zero),
	};
	struct control *shared = both.control;
	struct walk *walk = both.walk;
	struct fdtable *table;
	u32 count, tid;
	u64 start_ns;

	if (!task || !shared || !walk || !begin(walk, task))
		return 0;
	table = READ(walk->files, fdt);
	walk->max = READ(table, max_fds);
	walk->slots = READ(table, fd);
	walk->open = READ(table, open_fds);
	walk->certain = shared->count;
	tid = READ(task, pid);
	start_ns = READ(task, start_boottime);
	if (shared->tid == tid && shared->start_ns == start_ns)
		walk->first = shared->fd;
	else
		shared->tables++;
	shared->tid = 0;
	if (walk->first >= walk->max)
		return 0;
	walk->next = walk->first;
	count = walk->max - walk->first;
	if (count > PATIENCE)
		count = PATIENCE;
	bpf_loop(count, each_descriptor, &both, 0);
	shared->descriptors += walk->next - walk->first;
	if (!is_still_its_table(walk, shared) || (!walk->full && walk->next >= walk->max))
		return 0;
	/* The rest of this task, at the next read. */
	shared->tid = tid;
	shared->fd = walk->next;
	shared->start_ns = start_ns;
	return 1;
}
