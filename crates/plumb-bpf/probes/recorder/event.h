/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What the recorder hands to user space. Mirrored in src/recorder/decode.rs, which asserts the same
 * sizes; native byte order, ports and addresses in network order.
 */
#ifndef PLUMB_RECORDER_EVENT_H
#define PLUMB_RECORDER_EVENT_H

#include "../bpf.h"

enum event_kind {
	EVENT_STATE = 1,
	EVENT_ACCEPT,
	EVENT_CONNECT_RETURNED,
	EVENT_END_OF_FILE,
	EVENT_RETRANSMIT,
	EVENT_RESET_SENT,
	EVENT_RESET_RECEIVED,
	EVENT_ERROR,
	EVENT_DROP,
	EVENT_QUEUE_FULL,
	EVENT_CALL,
	EVENT_EXEC,
	EVENT_EXIT,
	EVENT_LISTENER_FULL,
	EVENT_MADE,
	EVENT_BOUND,
	EVENT_CLOSED,
};

enum event_flags {
	/* The task named is the one that did it: not whoever happened to run when a packet came. */
	FLAG_IN_CALL = 1,
	/* The process is ending, so that the kernel closes what it held. */
	FLAG_EXITING = 2,
	/* The reason field holds a reason of the kernel. */
	FLAG_REASON = 4,
	/* The totals a, b, unread and retransmits were read. */
	FLAG_TOTALS = 8,
	/* The socket was there before the recorder. */
	FLAG_OLDER = 16,
	/* received is the address of the code that dropped the packet: this kernel has no reasons. */
	FLAG_PLACE = 32,
	/* The kernel chose the port: nobody called bind(). */
	FLAG_CHOSEN = 64,
	/* With the totals: no byte of either side is known to have reached the other. */
	FLAG_UNTOUCHED = 128,
};

struct event {
	u64 time_ns; /* CLOCK_MONOTONIC */
	u64 cookie;  /* 0: the socket has none yet */
	u16 kind;
	u8 family;
	u8 protocol;
	u8 old_state;
	u8 new_state;
	u8 flags;
	u8 reserved;
	u32 tgid;
	u32 tid;
	u32 netns;
	s32 result; /* what a call returned, the error of a socket, or where a packet without one was: an interface */
	u32 reason; /* why a packet was dropped or a connection reset; the number of a call, or of a new socket's protocol */
	u16 local_port;
	u16 peer_port;
	u8 local[16];
	u8 peer[16];
	u64 stack; /* 0: none was taken */
	u64 received;
	u64 sent;
	u32 unread; /* of a call: the interface that its socket is bound to, 0 for none */
	u32 retransmits;
	u8 comm[16];
};

_Static_assert(sizeof(struct event) == 128, "the Rust side decodes 128 bytes");

#define CALL_ADDRESS_BYTES 112
#define CALL_PAYLOAD_BYTES 64

/*
 * A system call, told when it returns (event.time_ns is its beginning). What stands at the end is not sent where
 * there is none.
 */
struct call {
	struct event event;
	u64 end_ns;
	u64 args[6];
	u32 address_len;
	u32 payload_len;
	u8 payload[CALL_PAYLOAD_BYTES];
	u8 address[CALL_ADDRESS_BYTES];
};

_Static_assert(sizeof(struct call) == 368, "the Rust side decodes 368 bytes");

/*
 * A copy of the top of a user stack, sent once for each distinct one; what an interpreter runs
 * (python.h) and the bytes follow.
 */
struct stack {
	u64 id;
	u64 ip;
	u64 sp;
	u64 bp;
	u64 lr;	   /* arm64 alone */
	u64 start; /* address of the first byte that follows */
	u32 tgid;
	u32 tid;
	u32 len;
	u32 reserved;
};

_Static_assert(sizeof(struct stack) == 64, "the Rust side decodes 64 bytes");

/* Why something could not be told, counted. */
enum lost {
	LOST_EVENTS,	 /* the ring of events was full */
	LOST_STACKS,	 /* the ring of stacks was full */
	LOST_SOCKETS,	 /* the table of sockets was full */
	LOST_STACK_IDS,	 /* the table of known stacks was full */
	LOST_CALLS,	 /* the table of threads that make calls was full */
	LOST_TRAFFIC,	 /* the table of byte counts was full */
	LOST_PROCESSES,	 /* the table of followed processes was full */
	LOST_FOREIGN,	 /* a call of a 32-bit program, whose numbers and arguments are others */
	LOST_KINDS,
};

#endif
