/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Loader: light */
/*
 * Sockets in flight (SCM_RIGHTS): the files of messages that wait in the queues of unix sockets.
 *
 * Sees the network namespace of who opens the iterator. What it finds goes to an array that the reader
 * has mapped, all at once: called again for the same object (as owners/tasks.bpf.c asks to be), this
 * iterator was seen to pass over it (6.18). A user can have as many files in flight as a process may
 * have open, so the room is enough for some users; what does not fit is counted.
 *
 * Minimum kernel version: 6.2; unix_plain.bpf.c is the same for 5.17 (bpf_loop; iter/unix is of 5.15).
 */
#ifndef PLAIN
#define VIEW_BY_CAST
#endif
#include "../socket.h"
#include "record.h"

LICENSE;

enum {
	/* Records for one namespace. */
	ROOM = 16384,
	/* Messages and files looked at in one queue. */
	PATIENCE = 65536,
};

/* Shared with the reader. */
struct control {
	/* Records in `found`; the reader takes them and sets this to 0. */
	u32 count;
	/* Queues of which some messages did not fit or were too many. */
	u32 cut_off;
};

_Static_assert(sizeof(struct control) == 8, "the Rust side maps this");

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
	MAP_TYPE(value, struct in_flight);
} found SEC(".maps");

/* How far the walk over one queue is. */
struct walk {
	/* The queue itself, which its last message points to. */
	struct sk_buff *end;
	struct sk_buff *message;
	/* The files of the message, and the next of them. */
	struct scm_fp_list *files;
	u32 file;
	u32 over;
	u64 carrier;
	u64 carrier_cookie;
	struct seen seen;
};

/* In a map for the same reason as in owners/tasks.bpf.c. */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, 1);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct walk);
} scratch SEC(".maps");

struct both {
	struct control *control;
	struct walk *walk;
};

INLINE struct scm_fp_list *files_of(struct sk_buff *message)
{
	struct unix_skb_parms *parms = (void *)message + AT(sk_buff, cb);

	return READ(parms, fp);
}

/* Says whether the message is still in the queue, and its files are still the same. */
INLINE bool still_waits(struct walk *walk)
{
	struct sk_buff *before = READ(walk->message, prev);

	return READ(before, next) == walk->message && files_of(walk->message) == walk->files;
}

static long each_step(u32 index, struct both *both)
{
	struct walk *walk = both->walk;
	struct socket_alloc *socket;
	struct in_flight *record;
	struct file *file = NULL;
	u32 count, at;

	(void)index;
	if (!walk->files) {
		walk->message = READ(walk->message, next);
		if (!walk->message || walk->message == walk->end) {
			walk->over = 1;
			return 1;
		}
		walk->files = files_of(walk->message);
		walk->file = 0;
		return 0;
	}
	at = walk->file++;
	if ((s32)at >= READ(walk->files, count)) {
		walk->files = NULL;
		return 0;
	}
	bpf_probe_read_kernel(&file, sizeof(file),
			      (void *)walk->files + AT(scm_fp_list, fp) + at * sizeof(file));
	if (!file)
		return 0;
	socket = socket_of(file, &walk->seen);
	if (!socket)
		return 0;
	count = both->control->count;
	record = bpf_map_lookup_elem(&found, &count);
	if (!record)
		return 1;
	*record = (struct in_flight){
		.carrier = walk->carrier,
		.carrier_cookie = walk->carrier_cookie,
	};
	if (fill_socket(&record->socket, socket, &walk->seen) && still_waits(walk))
		both->control->count = count + 1;
	return 0;
}

SEC("iter/unix")
int plumb_unix(struct bpf_iter__unix *ctx)
{
	u64 address = (u64)ctx->unix_sk;
	u32 zero = 0;
	struct both both = {
		.control = bpf_map_lookup_elem(&control, &zero),
		.walk = bpf_map_lookup_elem(&scratch, &zero),
	};
	struct walk *walk = both.walk;
	struct socket *carrier;
	struct sock *sk;

	if (!address || !both.control || !walk)
		return 0;
	/* A unix_sock begins with its sock. */
	sk = VIEW(address, struct sock);
	*walk = (struct walk){};
	walk->end = (void *)address + AT(sock, sk_receive_queue);
	walk->message = GET(sk, sk_receive_queue.next);
	if (walk->message == walk->end)
		return 0;
	/* The first step goes to the first message, as from the queue itself. */
	walk->message = walk->end;
	walk->carrier_cookie = GET(sk, __sk_common.skc_cookie.counter);
	carrier = GET(sk, sk_socket);
	if (carrier)
		walk->carrier = GET(VIEW(carrier, struct socket_alloc), vfs_inode.i_ino);
	bpf_loop(PATIENCE, each_step, &both, 0);
	if (!walk->over)
		both.control->cut_off++;
	return 0;
}
