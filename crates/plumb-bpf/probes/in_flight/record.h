/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* A socket in a message that nobody has received. */
#ifndef PLUMB_IN_FLIGHT_RECORD_H
#define PLUMB_IN_FLIGHT_RECORD_H

#include "../socket_file.h"

/* Mirrored by plumb_bpf::in_flight in Rust, which asserts the same size. */
struct in_flight {
	/* The socket; nothing is told of a process. */
	struct socket_file socket;
	/* The unix socket in whose queue the message waits. */
	u64 carrier;
	u64 carrier_cookie;
};

_Static_assert(sizeof(struct in_flight) == 88, "the Rust side decodes 88 bytes");

#endif
