/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Children of followed processes are followed, until they end. Minimum kernel version: 5.5. */
#ifndef PLUMB_RECORDER_PROCESSES_H
#define PLUMB_RECORDER_PROCESSES_H

#include "socket.h"

SEC("tp_btf/sched_process_fork")
int forks(u64 *ctx)
{
	u32 parent = process_of(TYPED, (struct task_struct *)ctx[0]);
	u32 child = process_of(TYPED, (struct task_struct *)ctx[1]);
	struct interpreter *python;
	u32 *followed;

	if (parent == child || !child)
		return 0;
	python = bpf_map_lookup_elem(&interpreters, &parent);
	if (python)
		bpf_map_update_elem(&interpreters, &child, python, 0);
	followed = bpf_map_lookup_elem(&processes, &parent);
	if (followed && bpf_map_update_elem(&processes, &child, &parent, 0))
		count_lost(LOST_PROCESSES);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int execs(u64 *ctx)
{
	u32 tgid = current_tgid();
	struct event *event;

	(void)ctx;
	bpf_map_delete_elem(&interpreters, &tgid);
	if (!bpf_map_lookup_elem(&processes, &tgid))
		return 0;
	event = begin_event(EVENT_EXEC);
	if (!event)
		return 0;
	put_task(event, tgid);
	send_event(event);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int exits(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	u32 tgid = process_of(TYPED, task);
	struct event *event;

	if (task->signal->live.counter)
		return 0;
	bpf_map_delete_elem(&interpreters, &tgid);
	if (!bpf_map_lookup_elem(&processes, &tgid))
		return 0;
	bpf_map_delete_elem(&processes, &tgid);
	event = begin_event(EVENT_EXIT);
	if (!event)
		return 0;
	put_task(event, tgid);
	send_event(event);
	return 0;
}

#endif
