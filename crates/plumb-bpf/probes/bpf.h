/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What a BPF program of plumb needs of the BPF machine: types, sections, maps, helpers.
 *
 * Nothing of the kernel's own data is described here; that is kernel.h. Helpers are numbers of the
 * kernel's user API (linux/bpf.h); each names the first kernel that has it.
 */
#ifndef PLUMB_BPF_H
#define PLUMB_BPF_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef short s16;
typedef int s32;
typedef long long s64;
typedef _Bool bool;

#define true 1
#define false 0
#define NULL ((void *)0)

#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))
#define offsetof(type, member) __builtin_offsetof(type, member)

/* Licences of the kernel's list: some helpers are for GPL-compatible programs only. */
#define LICENSE char LICENSE_[] SEC("license") = "Dual MIT/GPL"

/* A map is a struct of pointers in ".maps" whose types carry the numbers. */
#define MAP_UINT(name, value) int(*name)[value]
#define MAP_TYPE(name, type_) typeof(type_) *name

enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum {
	BPF_F_NO_PREALLOC = 1,
	BPF_F_MMAPABLE = 1024,
	BPF_NOEXIST = 1,
	BPF_RB_NO_WAKEUP = 1,
};

/* 3.19 */
static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*const bpf_map_update_elem)(void *map, const void *key, const void *value,
					 u64 flags) = (void *)2;
static long (*const bpf_map_delete_elem)(void *map, const void *key) = (void *)3;
/* 4.1 */
static u64 (*const bpf_ktime_get_ns)(void) = (void *)5;
/* 4.2 */
static u64 (*const bpf_get_current_pid_tgid)(void) = (void *)14;
static long (*const bpf_get_current_comm)(void *buf, u32 size) = (void *)16;
/* 4.8 */
static u64 (*const bpf_get_current_task)(void) = (void *)35;
/* 4.12; in tracing programs 5.12 (c5dbb89fc2ac) */
static u64 (*const bpf_get_socket_cookie)(void *sk) = (void *)46;
/* 5.5 */
static long (*const bpf_probe_read_user)(void *dst, u32 size, const void *from) = (void *)112;
static long (*const bpf_probe_read_kernel)(void *dst, u32 size, const void *from) = (void *)113;
/* 5.7 */
static u64 (*const bpf_get_current_ancestor_cgroup_id)(int level) = (void *)123;
/* 5.8 */
static long (*const bpf_ringbuf_output)(void *ring, const void *data, u64 size,
					u64 flags) = (void *)130;
static void *(*const bpf_ringbuf_reserve)(void *ring, u64 size, u64 flags) = (void *)131;
static void (*const bpf_ringbuf_submit)(void *data, u64 flags) = (void *)132;
static long (*const bpf_seq_write)(void *seq, const void *data, u32 len) = (void *)127;
/* 5.9 (af7ec1383361): a pointer to struct tcp_sock, or NULL for what is none */
static void *(*const bpf_skc_to_tcp_sock)(void *sk) = (void *)137;
/* 5.11 */
static void *(*const bpf_get_current_task_btf)(void) = (void *)158;
/* 5.15 */
static void *(*const bpf_task_pt_regs)(void *task) = (void *)175;
/* 5.17 */
static long (*const bpf_loop)(u32 iterations, void *body, void *ctx, u64 flags) = (void *)181;

/*
 * Reads a member behind a pointer that the verifier does not follow; all zero bytes where the
 * memory is not there. The member's offset is the running kernel's.
 */
#define READ(from, member)                                                                        \
	({                                                                                        \
		typeof(from) from_ = (from);                                                      \
		typeof(from_->member) value_ = {};                                                \
		bpf_probe_read_kernel(&value_, sizeof(value_),                                    \
				      __builtin_preserve_access_index(&from_->member));           \
		value_;                                                                           \
	})

/*
 * The same where only some callers of an inline function have a pointer whose type the verifier knows, so
 * that a load is an instruction and no call: arguments of tp_btf programs, and what they lead to.
 */
enum { UNTYPED, TYPED };
#define PEEK(typed, from, member) ((typed) ? (from)->member : READ(from, member))

/*
 * Two ways to look at an object by its address. With VIEW_BY_CAST the verifier takes the address for a
 * pointer of that type, and loads are instructions (a load that faults gives zero); Minimum kernel
 * version: 6.2 (bpf_rdonly_cast, fd264ca02094). Without, each load is a call of a helper.
 */
#ifdef VIEW_BY_CAST
extern void *bpf_rdonly_cast(void *object, u32 btf_id) SEC(".ksyms");
#define VIEW(address, type_)                                                                      \
	((type_ *)bpf_rdonly_cast((void *)(address), __builtin_btf_type_id(*(type_ *)0, 1)))
#define GET(view, member) ((view)->member)
#else
#define VIEW(address, type_) ((type_ *)(address))
#define GET(view, member) READ(view, member)
#endif

/*
 * The same for programs of the recorder, of which each chooses. Their loader knows no functions of the kernel, so
 * this one goes by a number that no helper has, and recorder/casts.rs puts in which function it is.
 */
static void *(*const cast_by_number)(const void *object, u64 btf_id) = (void *)0x74736163;
#define CAST(from)                                                                                 \
	((typeof(from))cast_by_number(from, __builtin_btf_type_id(*(typeof(from))0, 1)))
enum { NO_CASTS, CASTS };
/* A member: with CASTS a load is an instruction, without it is a call of a helper. */
#define LOOK(casts, from, member) ((casts) ? CAST(from)->member : READ(from, member))

/* Says whether the running kernel has a member. */
#define HAS(from, member) __builtin_preserve_field_info((from)->member, 2)
/* Bytes that a type has in the running kernel. */
#define SIZE_OF(type) __builtin_preserve_type_info(*(type *)0, 1)
/* The running kernel's offset of a member, in bytes. */
#define OFFSET(from, member) __builtin_preserve_field_info((from)->member, 0)

#endif
