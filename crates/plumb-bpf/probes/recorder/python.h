/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What a CPython interpreter runs at this moment: its frames are in its own memory and not on the stack, and
 * afterwards they are others. User space says where they lie (plumb-wire's cpython::layout): in every process that
 * runs a file it knows, which leaves a new one no time to do something unseen, and else in a process as soon as
 * it knows that this has mapped such a file. What is read are addresses, named later.
 */
#ifndef PLUMB_RECORDER_PYTHON_H
#define PLUMB_RECORDER_PYTHON_H

#include "scope.h"

/* Frames that are told; the innermost ones. A power of two. */
#define SCRIPT_FRAMES 32
/* Threads and interpreters that are gone through; a new thread is the first. */
#define MAX_STATES 256
#define STATES_AT_ONCE 8
/* In the addresses of code, which are multiples of 16. */
#define SCRIPT_ENDS_CALL 1
#define SCRIPT_SHIM 2

/* Where an interpreter is, and the offsets in its structures. */
struct interpreter {
	u64 runtime;
	u32 first_interpreter;
	u32 next_interpreter;
	u32 first_thread;
	u32 next_thread;
	u32 native_id;
	u32 through; /* of the member that leads to the frame; 0: it is in the thread's state itself */
	u32 current;
	u32 code;
	u32 previous;
	u32 instruction;
	u32 entry;
	u32 shim; /* the value of `entry` in a frame that is none; 0: any other than 0 ends a call */
};

_Static_assert(sizeof(struct interpreter) == 56, "the Rust side writes 56 bytes");

/* One that makes room: not every recording is told of the end of each process. */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_LRU_HASH);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct interpreter);
} interpreters SEC(".maps");

/* A file, wherever it is mounted: the device of a layered file system is not always the same one. */
struct program_file {
	u64 inode;
	u64 size;
};

/* An interpreter as its file counts, a program by itself or a library. */
struct interpreter_program {
	struct interpreter at;
	u64 first_code; /* address of the first code, which the kernel remembers where it is in memory */
	u64 first_code_at; /* where that is in the file */
};

_Static_assert(sizeof(struct interpreter_program) == 72, "the Rust side writes 72 bytes");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, struct program_file);
	MAP_TYPE(value, struct interpreter_program);
} interpreter_programs SEC(".maps");

/* Which file it is. */
INLINE void read_file(bool typed, struct program_file *to, struct file *file)
{
	struct inode *inode;

	to->inode = 0;
	to->size = 0;
	if (!file)
		return;
	inode = PEEK(typed, file, f_inode);
	if (!inode)
		return;
	to->inode = PEEK(typed, inode, i_ino);
	to->size = PEEK(typed, inode, i_size);
}

struct script {
	u32 len;
	u32 reserved;
	/* Code with its marks, and the instruction, of each frame. */
	u64 frames[2 * SCRIPT_FRAMES];
};

INLINE u64 user_word(u64 at)
{
	u64 word = 0;

	bpf_probe_read_user(&word, sizeof(word), (void *)at);
	return word;
}

/* The id by which the running thread knows itself. */
INLINE u64 own_tid(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct pid *pid = READ(task, thread_pid);
	u32 level = READ(pid, level);
	struct upid at = {};

	bpf_probe_read_kernel(&at, sizeof(at), &pid->numbers[level]);
	return at.nr;
}

/*
 * What is found of the running thread's interpreter. In a map, because functions that the verifier goes through by
 * themselves, once and not for each turn of a loop around them, take numbers alone.
 */
struct running {
	struct interpreter python;
	struct script script;
	u64 interpreter; /* where the search for the thread is: in this one, */
	u64 thread; /* at this state; 0: behind the last one */
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct running);
} running SEC(".maps");

INLINE struct running *running_here(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&running, &zero);
}

/* Goes on to look for the state of a thread, some steps at a time. True: it is found, or there is none. */
__attribute__((noinline)) u32 search_state(u64 tid)
{
	struct running *here = running_here();
	struct interpreter *python;

	if (!here)
		return true;
	python = &here->python;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < STATES_AT_ONCE; i++) {
		if (!here->thread) {
			here->interpreter = user_word(here->interpreter + python->next_interpreter);
			if (!here->interpreter)
				return true;
			here->thread = user_word(here->interpreter + python->first_thread);
			continue;
		}
		if (user_word(here->thread + python->native_id) == tid)
			return true;
		here->thread = user_word(here->thread + python->next_thread);
	}
	return false;
}

/* Finds the state of the running thread; 0: it has none. */
INLINE u64 find_state(struct running *here, u64 tid)
{
	struct interpreter *python = &here->python;

	here->interpreter = user_word(python->runtime + python->first_interpreter);
	here->thread = user_word(here->interpreter + python->first_thread);
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < MAX_STATES / STATES_AT_ONCE; i++)
		if (search_state(tid))
			return here->thread;
	return 0;
}

/* Reads one frame, to a place among those that are told; gives the one that called it. */
__attribute__((noinline)) u64 read_frame(u64 frame, u32 at)
{
	struct running *here = running_here();
	const struct interpreter *python;
	u8 entry = 0;
	u64 *to;

	if (!here)
		return 0;
	python = &here->python;
	to = here->script.frames + 2 * (at & (SCRIPT_FRAMES - 1));
	to[0] = user_word(frame + python->code);
	to[1] = user_word(frame + python->instruction);
	bpf_probe_read_user(&entry, sizeof(entry), (void *)(frame + python->entry));
	if (python->shim) {
		if (entry == python->shim)
			to[0] |= SCRIPT_ENDS_CALL | SCRIPT_SHIM;
	} else if (entry) {
		to[0] |= SCRIPT_ENDS_CALL;
	}
	return user_word(frame + python->previous);
}

/* Finds where the interpreter is that the running process is, if it is one. */
INLINE bool find_interpreter(struct interpreter *python, const struct program_file *file,
			     u64 start_code, u32 tgid)
{
	struct interpreter_program *program = bpf_map_lookup_elem(&interpreter_programs, file);
	struct interpreter *known;

	if (program) {
		*python = program->at;
		python->runtime += start_code - program->first_code;
		return true;
	}
	known = bpf_map_lookup_elem(&interpreters, &tgid);
	if (known)
		*python = *known;
	return known;
}

/* Reads what the running thread's interpreter runs. */
INLINE void read_script(struct running *here)
{
	const struct interpreter *python = &here->python;
	u64 state, frame;

	state = find_state(here, own_tid());
	if (!state)
		return;
	if (python->through)
		state = user_word(state + python->through);
	frame = user_word(state + python->current);
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < SCRIPT_FRAMES; i++) {
		if (!frame)
			return;
		frame = read_frame(frame, i);
		here->script.len = i + 1;
	}
}

#endif
