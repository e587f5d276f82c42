/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The kernel's own types, as far as plumb's programs read them.
 *
 * Names of types and members are facts of the kernel; offsets are not: clang records each access,
 * and the loader puts the running kernel's offset in (CO-RE). Members that some kernel lacks are
 * read behind HAS(). What is behind ___ in a type's name tells variants of one kernel type apart
 * and is ignored by the loader.
 */
#ifndef PLUMB_KERNEL_H
#define PLUMB_KERNEL_H

#include "bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct seq_file;
struct unix_sock;

/* Two words, which casts of other memory are seen as: a slot of a table, a name. */
struct list_head {
	struct list_head *next;
	struct list_head *prev;
};

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct super_block {
	unsigned long s_magic;
};

struct inode {
	u16 i_mode;
	struct super_block *i_sb;
	unsigned long i_ino;
	s64 i_size;
};

struct file {
	struct inode *f_inode;
	void *private_data;
};

struct mm_struct {
	unsigned long start_code, end_code;
	unsigned long start_brk, brk, start_stack;
	unsigned long mmap_base;
	struct file *exe_file;
};

typedef struct {
	s32 counter;
} atomic_t;

struct signal_struct {
	atomic_t live;
};

/* Registers of user code, as the kernel saved them; one of the two exists. */
struct pt_regs___x86 {
	unsigned long bp;
	unsigned long r10, r9, r8;
	unsigned long ax, cx, dx, si, di;
	unsigned long orig_ax;
	unsigned long ip;
	unsigned long sp;
};

struct pt_regs___arm64 {
	u64 regs[31];
	u64 sp;
	u64 pc;
	u64 orig_x0;
	s32 syscallno;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
	u64 *open_fds;
};

struct files_struct {
	struct fdtable *fdt;
};

struct thread_info {
	u32 status;
};

struct css_set;

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	int pid;
	int tgid;
	u64 start_boottime;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct files_struct *files;
	struct signal_struct *signal;
	struct mm_struct *mm;
	struct css_set *cgroups;
	void *stack;
	char comm[16];
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

typedef struct {
	s64 counter;
} atomic64_t;

struct kernfs_node {
	u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
	int level;
	/* Until 6.0; then pointers (7f203bc89eb6). */
	u64 ancestor_ids[1];
};

/* The groups of a task. */
struct css_set {
	struct cgroup *dfl_cgrp;
};

struct sock_cgroup_data {
	/* Since 5.16 (8520e224f547): a pointer and nothing else. */
	struct cgroup *cgroup;
};

struct in6_addr {
	u8 bytes[16];
};

struct sock_common {
	u32 skc_daddr;
	u32 skc_rcv_saddr;
	u16 skc_dport;
	u16 skc_num;
	u16 skc_family;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	u8 skc_state;
	int skc_bound_dev_if;
	unsigned long skc_flags;
	possible_net_t skc_net;
	atomic64_t skc_cookie;
};

struct net_device {
	int ifindex;
	possible_net_t nd_net;
};

struct sk_buff {
	struct sk_buff *next;
	struct sk_buff *prev;
	struct net_device *dev;
	struct sock *sk;
	unsigned char *head;
	u16 network_header;
	char cb[48];
};

struct sk_buff_head {
	struct sk_buff *next;
};

struct socket;

struct sock {
	struct sock_common __sk_common;
	struct sk_buff_head sk_receive_queue;
	struct socket *sk_socket;
	u16 sk_type;
	u16 sk_protocol;
	u8 sk_shutdown;
	int sk_err;
	u32 sk_ack_backlog;
	u32 sk_max_ack_backlog;
	atomic_t sk_drops;
	struct sock_cgroup_data sk_cgrp_data;
};

struct request_sock_queue {
	atomic_t qlen;
};

struct inet_connection_sock {
	struct request_sock_queue icsk_accept_queue;
};

struct tcp_sock {
	u64 bytes_sent;
	u64 bytes_retrans;
	u64 bytes_received;
	u32 total_retrans;
	u32 rcv_nxt;
	u32 copied_seq;
	u32 write_seq;
	u32 snd_una;
	u64 bytes_acked;
};

struct socket {
	s16 type;
	struct sock *sk;
};

/* A socket and its inode are one object of sockfs. */
struct socket_alloc {
	struct socket socket;
	struct inode vfs_inode;
};

/* Files of a message, and where a message between unix sockets keeps them (sk_buff.cb). */
struct scm_fp_list {
	s16 count;
	struct file *fp[253];
};

struct unix_skb_parms {
	struct scm_fp_list *fp;
};

#pragma clang attribute pop

/*
 * Contexts of the iterators: their layout is a promise of the kernel, so nothing in them is relocated,
 * which would cost each program a search through all types.
 */
struct bpf_iter_meta {
	struct seq_file *seq;
	u64 session_id;
	u64 seq_num;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	u32 fd;
	struct file *file;
};

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	void *map;
	void *key;
	void *value;
};

struct bpf_iter__unix {
	struct bpf_iter_meta *meta;
	struct unix_sock *unix_sk;
	u32 uid;
};

enum {
	S_IFMT = 0170000,
	S_IFSOCK = 0140000,
	SOCKFS_MAGIC = 0x534F434B,
};

#endif
