/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What programs tell of a socket, and of the process that holds it where one does. */
#ifndef PLUMB_SOCKET_FILE_H
#define PLUMB_SOCKET_FILE_H

#include "bpf.h"

/* Mirrored by plumb_bpf::socket_file in Rust, which asserts the same size. Native byte order. */
struct socket_file {
	u64 inode;
	/* 0: nobody has asked for it yet, so that the kernel has made none. */
	u64 cookie;
	/* Id of the socket's cgroup; 0: not told by this kernel. */
	u64 cgroup;
	/* When the process began, in nanoseconds since boot. */
	u64 start_ns;
	u32 netns;
	/* As the reader's namespace of processes counts. */
	u32 tgid;
	u32 tid;
	s32 fd;
	u16 family;
	u16 type;
	u16 protocol;
	u16 reserved;
	u8 comm[16];
};

_Static_assert(sizeof(struct socket_file) == 72, "the Rust side decodes 72 bytes");

#endif
