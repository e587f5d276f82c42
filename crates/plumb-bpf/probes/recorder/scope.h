/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Who is running, and whether that is somebody we were asked about. */
#ifndef PLUMB_RECORDER_SCOPE_H
#define PLUMB_RECORDER_SCOPE_H

#include "state.h"

#define PF_EXITING 0x4
#define PID_LEVELS 4
/* x86 alone (asm/thread_info.h). */
#define TS_COMPAT 0x2

/* A task's id as our namespace of processes counts; 0 where it is not visible there. */
INLINE u32 id_in_namespace(bool typed, struct task_struct *task)
{
	struct pid *pid = PEEK(typed, task, thread_pid);
	/*
	 * Behind the last one is what was in this memory before: the ids of a process that ended, in a namespace whose
	 * memory may be ours by now. Whoever is taken for one of ours by that, ends ours when it ends.
	 */
	int levels = READ(pid, level);

	for (int level = 1; level <= PID_LEVELS; level++) {
		struct upid at;

		if (level > levels)
			return 0;
		if (bpf_probe_read_kernel(&at, sizeof(at), &pid->numbers[level]))
			return 0;
		if (READ(&at.ns->ns, inum) == PID_NAMESPACE)
			return at.nr;
	}
	return 0;
}

/* The process of a task, as our namespace of processes counts. */
INLINE u32 process_of(bool typed, struct task_struct *task)
{
	if (PID_NAMESPACE)
		return id_in_namespace(typed, PEEK(typed, task, group_leader));
	return PEEK(typed, task, tgid);
}

INLINE u32 current_tgid(void)
{
	if (PID_NAMESPACE)
		return process_of(UNTYPED, (struct task_struct *)bpf_get_current_task());
	return bpf_get_current_pid_tgid() >> 32;
}

INLINE u32 current_tid(void)
{
	if (PID_NAMESPACE)
		return id_in_namespace(UNTYPED, (struct task_struct *)bpf_get_current_task());
	return (u32)bpf_get_current_pid_tgid();
}

/* Whether the running call is one of a 32-bit program, whose numbers mean other calls. */
INLINE bool is_foreign(void)
{
	struct task_struct *task = NULL;

	if (!HAS(task, thread_info.status))
		return false;
	if (HAVE_HELPERS)
		return ((struct task_struct *)bpf_get_current_task_btf())->thread_info.status & TS_COMPAT;
	return READ((struct task_struct *)bpf_get_current_task(), thread_info.status) & TS_COMPAT;
}

INLINE bool current_is_exiting(void)
{
	if (HAVE_HELPERS)
		return ((struct task_struct *)bpf_get_current_task_btf())->flags & PF_EXITING;
	return READ((struct task_struct *)bpf_get_current_task(), flags) & PF_EXITING;
}

/* The group of the running process that is so deep; below 5.15 no helper tells. */
INLINE u64 ancestor_cgroup_id(void)
{
	struct task_struct *task;
	struct cgroup *group;
	u64 id = 0;

	if (HAVE_HELPERS)
		return bpf_get_current_ancestor_cgroup_id(SCOPE_CGROUP_LEVEL);
	task = (struct task_struct *)bpf_get_current_task();
	group = READ(READ(task, cgroups), dfl_cgrp);
	if (!HAS(group, ancestor_ids) || READ(group, level) < (int)SCOPE_CGROUP_LEVEL)
		return 0;
	bpf_probe_read_kernel(&id, sizeof(id),
			      (u8 *)group + OFFSET(group, ancestor_ids) + SCOPE_CGROUP_LEVEL * sizeof(id));
	return id;
}

/* Whether the running process is one we were asked about. Ask only where it does what happens. */
INLINE bool in_scope(u32 tgid)
{
	if (tgid == OWN_TGID || !tgid)
		return false;
	if (SCOPE == SCOPE_PROCESSES)
		return bpf_map_lookup_elem(&processes, &tgid);
	if (SCOPE == SCOPE_CGROUP)
		return ancestor_cgroup_id() == SCOPE_CGROUP_ID;
	return true;
}

#endif
