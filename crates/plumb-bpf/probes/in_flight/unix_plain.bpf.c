/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Loader: light */
/* unix.bpf.c for kernels that cannot cast an address to a pointer (before 6.2). */
#define PLAIN
#include "unix.bpf.c"
