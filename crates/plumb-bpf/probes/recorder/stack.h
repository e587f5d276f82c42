/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * A copy of the top of the running thread's user stack, sent once for each distinct stack.
 *
 * Distributions build without frame pointers, so a stack is unwound in user space from .eh_frame, and
 * what is needed for that are the registers and the bytes. Two stacks are taken for the same when the
 * instruction and every word near the top that looks like a code address are: what lies in the
 * program's text, or near it or among the mapped libraries, at an address that no pointer to data has,
 * because those are multiples of 8, or behind an instruction that calls.
 */
#ifndef PLUMB_RECORDER_STACK_H
#define PLUMB_RECORDER_STACK_H

#include "python.h"

#define PIECE_BYTES 1024
/* What is compared: the top 4 KiB. */
#define COMPARED_BYTES 4096
#define COMPARED_WORDS (COMPARED_BYTES / 8)
/* Words that are compared at once. */
#define BLOCK 8
/* Stacks remembered by each processor; a power of two. */
#define REMEMBERED 32
/* How far from the program's text code made at run time is found. */
#define NEAR_TEXT (2ULL << 30)
/* How far below mmap_base libraries and code made at run time are found. */
#define MAPPED_SPAN (1ULL << 44)
/* How far above its top a stack is taken for itself: what points there is no code. */
#define STACK_SPAN (8ULL << 20)
/* Size of a kernel stack on x86-64 and arm64 (THREAD_SIZE), needed below 5.15 alone. */
#define KERNEL_STACK_BYTES 16384

/* What tells code from data in one process. */
struct layout {
	u64 start_code, end_code;
	u64 start_brk, brk;
	u64 mmap_base;
	u64 start_stack;
	u64 sp;
};

struct scratch {
	struct layout layout;
	struct program_file program;
	u64 registers[31];
	u64 words[COMPARED_WORDS];
	u32 taken; /* 1: a stack is being taken here */
	u32 reserved;
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct scratch);
} scratch SEC(".maps");

/* Whether an instruction that calls stands before an address. Not static, so that it is verified once. */
__attribute__((noinline)) u32 follows_call(u64 word)
{
	struct pt_regs___arm64 *arm64 = NULL;
	u8 before[8];
	u32 last;

	if (bpf_probe_read_user(before, sizeof(before), (void *)(word - sizeof(before))))
		return 0;
	if (HAS(arm64, pc)) {
		last = *(u32 *)(before + 4);
		/* bl, and blr with or without authentication. */
		return (last & 0xFC000000) == 0x94000000 || (last & 0xFEFFF000) == 0xD63F0000;
	}
	/* e8 and 32 bits, or ff /2 with two to seven bytes. */
	if (before[3] == 0xE8)
		return 1;
#pragma unroll
	for (u32 i = 1; i < 7; i++)
		if (before[i] == 0xFF && (before[i + 1] & 0x38) == 0x10)
			return 1;
	return 0;
}

INLINE bool is_code(const struct layout *layout, u64 word)
{
	if (word >= layout->start_code && word < layout->end_code)
		return true;
	if (word >= layout->start_brk && word < layout->brk)
		return false;
	if (!(word < layout->mmap_base && word > layout->mmap_base - MAPPED_SPAN) &&
	    !(word > layout->start_code - NEAR_TEXT && word < layout->end_code + NEAR_TEXT))
		return false;
	if (word & 7)
		return true;
	return word - layout->sp >= STACK_SPAN && follows_call(word);
}

INLINE u64 mix(u64 hash, u64 word)
{
	hash = (hash ^ word) * 0x9E3779B97F4A7C15ULL;
	return hash ^ (hash >> 29);
}

/*
 * A stack that was hashed, with the words it had. Most calls come from where one came from before, and then
 * comparing is all there is to do.
 */
struct remembered {
	u64 ip;
	u64 sp;
	u64 hash;
	u32 tgid;
	u32 len;
	u64 words[COMPARED_WORDS];
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	MAP_UINT(max_entries, REMEMBERED);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct remembered);
} remembered SEC(".maps");

/*
 * Copies the words that are compared; gives their number. The stack of the first thread ends where the kernel
 * put the arguments. Not static, so that the verifier looks at it once and not once for each call.
 */
__attribute__((noinline)) u32 read_words(u64 sp)
{
	u32 zero = 0;
	struct scratch *piece = bpf_map_lookup_elem(&scratch, &zero);
	u64 len;

	if (!piece)
		return 0;
	len = piece->layout.start_stack - sp;
	if (len > COMPARED_BYTES - BLOCK * 8)
		len = COMPARED_BYTES;
	else
		len = (len + BLOCK * 8 - 1) & ~(BLOCK * 8ULL - 1);
	if (!len)
		return 0;
	if (!bpf_probe_read_user(piece->words, len, (void *)sp))
		return len / 8;
#pragma clang loop unroll(disable)
	for (len = 0; len < COMPARED_BYTES; len += PIECE_BYTES)
		if (bpf_probe_read_user((void *)piece->words + len, PIECE_BYTES, (void *)(sp + len)))
			break;
	return len / 8;
}

/*
 * Continues a hash over the code addresses of a block of words. The verifier goes through every turn of a loop in every
 * way it can be gone through: through a block it goes once, and not once for each block.
 */
__attribute__((noinline)) u64 hash_block(u64 hash, u32 at)
{
	u32 zero = 0;
	struct scratch *piece = bpf_map_lookup_elem(&scratch, &zero);

	if (!piece || at > COMPARED_WORDS - BLOCK)
		return hash;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < BLOCK; i++) {
		u64 word = piece->words[at + i];

		if (is_code(&piece->layout, word))
			hash = mix(hash, word);
	}
	return hash;
}

/* Continues a hash over the code addresses among the words, which are whole blocks. */
__attribute__((noinline)) u64 hash_words(u64 hash, u32 len)
{
#pragma clang loop unroll(disable)
	for (u32 at = 0; at < COMPARED_WORDS; at += BLOCK) {
		if (at >= len)
			break;
		hash = hash_block(hash, at);
	}
	return hash;
}

/* Says whether a block of words has other code addresses than it had. */
__attribute__((noinline)) u32 block_differs(u32 slot, u32 at)
{
	u32 zero = 0;
	struct scratch *piece = bpf_map_lookup_elem(&scratch, &zero);
	struct remembered *before = bpf_map_lookup_elem(&remembered, &slot);

	if (!piece || !before || at > COMPARED_WORDS - BLOCK)
		return 1;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < BLOCK; i++) {
		u64 now = piece->words[at + i], then = before->words[at + i];

		if (now != then && (is_code(&piece->layout, now) || is_code(&piece->layout, then)))
			return 1;
	}
	return 0;
}

/* Says whether the words have the same code addresses at the same places as those remembered. */
__attribute__((noinline)) u32 words_are(u32 slot, u32 len)
{
	u32 zero = 0;
	struct scratch *piece = bpf_map_lookup_elem(&scratch, &zero);
	struct remembered *before = bpf_map_lookup_elem(&remembered, &slot);

	if (!piece || !before)
		return 0;
#pragma clang loop unroll(disable)
	for (u32 at = 0; at < COMPARED_WORDS; at += BLOCK) {
		u64 *now = piece->words + at, *then = before->words + at;
		u64 other = (now[0] ^ then[0]) | (now[1] ^ then[1]) | (now[2] ^ then[2]) |
			    (now[3] ^ then[3]) | (now[4] ^ then[4]) | (now[5] ^ then[5]) |
			    (now[6] ^ then[6]) | (now[7] ^ then[7]);

		if (at >= len)
			break;
		if (other && block_differs(slot, at))
			return 0;
	}
	return 1;
}

INLINE void read_layout(bool typed, struct layout *layout, struct mm_struct *mm)
{
	layout->start_code = PEEK(typed, mm, start_code);
	layout->end_code = PEEK(typed, mm, end_code);
	layout->start_brk = PEEK(typed, mm, start_brk);
	layout->brk = PEEK(typed, mm, brk);
	layout->mmap_base = PEEK(typed, mm, mmap_base);
	layout->start_stack = PEEK(typed, mm, start_stack);
}

/* The registers that user code had when it entered the kernel. */
INLINE bool read_registers(bool typed, void *at, struct stack *head, u64 *registers)
{
	struct pt_regs___x86 *x86 = at;
	struct pt_regs___arm64 *arm64 = at;

	if (HAS(x86, ip)) {
		head->ip = PEEK(typed, x86, ip);
		head->sp = PEEK(typed, x86, sp);
		head->bp = PEEK(typed, x86, bp);
		return true;
	}
	if (HAS(arm64, pc)) {
		if (bpf_probe_read_kernel(registers, 31 * sizeof(*registers), arm64->regs))
			return false;
		head->ip = PEEK(typed, arm64, pc);
		head->sp = PEEK(typed, arm64, sp);
		head->bp = registers[29];
		head->lr = registers[30];
		return true;
	}
	return false;
}

/* Where they are: at the end of the thread's kernel stack. Needed below 5.15 alone, which has no helper for it. */
INLINE void *saved_registers(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	u64 len = SIZE_OF(struct pt_regs___x86);

	return READ(task, stack) + KERNEL_STACK_BYTES - len;
}

/* What is asked of the running thread: false where it has no user code. */
INLINE bool read_thread(struct scratch *piece, struct stack *head)
{
	struct task_struct *task;
	struct mm_struct *mm;

	if (HAVE_HELPERS) {
		task = bpf_get_current_task_btf();
		mm = task->mm;
		if (!mm)
			return false;
		read_layout(TYPED, &piece->layout, mm);
		read_file(TYPED, &piece->program, PEEK(TYPED, mm, exe_file));
		return read_registers(TYPED, bpf_task_pt_regs(task), head, piece->registers);
	}
	task = (struct task_struct *)bpf_get_current_task();
	mm = READ(task, mm);
	if (!mm)
		return false;
	read_layout(UNTYPED, &piece->layout, mm);
	read_file(UNTYPED, &piece->program, PEEK(UNTYPED, mm, exe_file));
	return read_registers(UNTYPED, saved_registers(), head, piece->registers);
}

/*
 * Continues a hash over what an interpreter runs: two functions of a script have the same stack of the
 * interpreter's own functions.
 */
__attribute__((noinline)) u64 hash_script(u64 hash, u32 tgid)
{
	u32 zero = 0;
	struct scratch *piece = bpf_map_lookup_elem(&scratch, &zero);
	struct running *here = running_here();

	if (!piece || !here)
		return hash;
	here->script.len = 0;
	if (!find_interpreter(&here->python, &piece->program, piece->layout.start_code, tgid))
		return hash;
	read_script(here);
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < SCRIPT_FRAMES; i++) {
		if (i >= here->script.len)
			break;
		hash = mix(hash, here->script.frames[2 * i]);
		hash = mix(hash, here->script.frames[2 * i + 1]);
	}
	return hash;
}

/* Copies `pieces` pieces of a stack, or as many as there are. */
#define DEFINE_SEND(pieces)                                                                        \
	static __attribute__((noinline)) bool send_##pieces(const struct stack *head,              \
							    const struct script *script)           \
	{                                                                                          \
		struct {                                                                           \
			struct stack head;                                                         \
			struct script script;                                                      \
			u8 bytes[pieces * PIECE_BYTES];                                            \
		} *record;                                                                         \
                                                                                                   \
		if (!head || !script)                                                              \
			return false;                                                              \
		record = bpf_ringbuf_reserve(&stacks, sizeof(*record), 0);                         \
		if (!record)                                                                       \
			return false;                                                              \
		record->head = *head;                                                              \
		record->script = *script;                                                          \
		record->head.len = 0;                                                              \
		_Pragma("clang loop unroll(disable)")                                              \
		for (u32 i = 0; i < pieces; i++) {                                                 \
			u8 *to = record->bytes + i * PIECE_BYTES;                                  \
			void *from = (void *)(head->start + i * PIECE_BYTES);                      \
                                                                                                   \
			if (bpf_probe_read_user(to, PIECE_BYTES, from))                            \
				break;                                                             \
			record->head.len += PIECE_BYTES;                                           \
		}                                                                                  \
		bpf_ringbuf_submit(record, 0);                                                     \
		return true;                                                                       \
	}

DEFINE_SEND(4)
DEFINE_SEND(16)
DEFINE_SEND(32)

INLINE bool send_copy(const struct stack *head, const struct scratch *piece)
{
	u64 depth = piece->layout.start_stack - head->start;
	const struct running *here = running_here();

	if (!here)
		return false;

	/* The stack of the first thread ends where the kernel put the arguments. */
	if (depth <= 4 * PIECE_BYTES)
		return send_4(head, &here->script);
	if (depth <= 16 * PIECE_BYTES)
		return send_16(head, &here->script);
	return send_32(head, &here->script);
}

/* Gives the hash of a stack, which is its id. */
INLINE u64 hash_stack(const struct stack *head, struct scratch *piece, u32 tgid)
{
	u64 hash = mix(mix(0, head->ip), tgid);
	u32 slot = mix(hash, head->sp) % REMEMBERED;
	struct remembered *before = bpf_map_lookup_elem(&remembered, &slot);
	u32 len = read_words(head->sp);

	if (!before)
		return 0;
	if (before->ip == head->ip && before->sp == head->sp && before->tgid == tgid &&
	    before->len == len && words_are(slot, len))
		return before->hash;
	hash = hash_words(hash, len);
	before->ip = head->ip;
	before->sp = head->sp;
	before->hash = hash;
	before->tgid = tgid;
	before->len = len;
	bpf_probe_read_kernel(before->words, sizeof(before->words), piece->words);
	return hash;
}

INLINE u64 take_here(struct scratch *piece, u32 tgid, u32 tid)
{
	struct stack head = {};
	u64 hash;

	if (!read_thread(piece, &head))
		return 0;
	piece->layout.sp = head.sp;
	head.start = head.sp & ~(PIECE_BYTES - 1ULL);
	hash = hash_script(hash_stack(&head, piece, tgid), tgid);
	if (!hash)
		return 0;
	if (bpf_map_lookup_elem(&known_stacks, &hash))
		return hash;
	if (bpf_map_update_elem(&known_stacks, &hash, &tgid, BPF_NOEXIST)) {
		count_lost(LOST_STACK_IDS);
		return 0;
	}
	head.id = hash;
	head.tgid = tgid;
	head.tid = tid;
	if (!send_copy(&head, piece)) {
		/* The next one with this stack tries again. */
		bpf_map_delete_elem(&known_stacks, &hash);
		count_lost(LOST_STACKS);
		return 0;
	}
	return hash;
}

/*
 * Gives the id of the running thread's stack, sending a copy when it is new; 0 when there is none. Programs at functions
 * and cgroups may be preempted, and who runs then on this processor finds half a stack of another: none is better.
 */
__attribute__((noinline)) u64 take_stack(u32 tgid, u32 tid)
{
	struct scratch *piece;
	u32 zero = 0;
	u64 id;

	if (!STACKS)
		return 0;
	piece = bpf_map_lookup_elem(&scratch, &zero);
	if (!piece)
		return 0;
	if (*(volatile u32 *)&piece->taken) {
		count_lost(LOST_STACKS);
		return 0;
	}
	*(volatile u32 *)&piece->taken = 1;
	id = take_here(piece, tgid, tid);
	*(volatile u32 *)&piece->taken = 0;
	return id;
}

#endif
