/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Loader: light */
/* files.bpf.c for kernels that cannot cast an address to a pointer (before 6.2). */
#define PLAIN
#include "files.bpf.c"
