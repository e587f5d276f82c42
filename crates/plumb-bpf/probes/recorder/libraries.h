/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Interpreters that are libraries, noticed when a process maps them: where such a one lies is decided then, and a
 * script may open its first connection before user space has heard of it. The registers of the call still have what
 * was asked for when it returns.
 */
#ifndef PLUMB_RECORDER_LIBRARIES_H
#define PLUMB_RECORDER_LIBRARIES_H

#include "opening.h"

#define PROT_EXEC 0x4

/* The arguments of mmap() that say what of which file is mapped as what. */
struct mapping {
	u64 protection, fd, offset;
};

INLINE void read_mapping(bool typed, struct mapping *mapping, void *registers)
{
	struct pt_regs___x86 *x86 = registers;
	struct pt_regs___arm64 *arm64 = registers;

	if (HAS(x86, di)) {
		mapping->protection = PEEK(typed, x86, dx);
		mapping->fd = PEEK(typed, x86, r8);
		mapping->offset = PEEK(typed, x86, r9);
	} else if (HAS(arm64, pc)) {
		mapping->protection = PEEK(typed, arm64, regs[2]);
		mapping->fd = PEEK(typed, arm64, regs[4]);
		mapping->offset = PEEK(typed, arm64, regs[5]);
	}
}

SEC("tracepoint/syscalls/sys_exit_mmap")
int maps_code(struct call_ends *ctx)
{
	struct interpreter_program *program;
	struct interpreter python;
	struct mapping mapping = {};
	struct program_file key;
	u64 begin = ctx->result;
	u32 tgid;

	if (HAVE_HELPERS)
		read_mapping(TYPED, &mapping, bpf_task_pt_regs(bpf_get_current_task_btf()));
	else
		read_mapping(UNTYPED, &mapping, saved_registers());
	if (!(mapping.protection & PROT_EXEC))
		return 0;
	read_file(UNTYPED, &key, file_of(NO_CASTS, mapping.fd));
	program = bpf_map_lookup_elem(&interpreter_programs, &key);
	if (!program)
		return 0;
	python = program->at;
	/* The first code lies as far from here as its place in the file does from what was mapped. */
	python.runtime += begin + program->first_code_at - mapping.offset - program->first_code;
	tgid = current_tgid();
	bpf_map_update_elem(&interpreters, &tgid, &python, 0);
	return 0;
}

#endif
