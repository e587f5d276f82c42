/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Answers requests of sock_diag from files, for a program that takes its sockets from nowhere but
 * the kernel: preloaded into it, with PLUMB_DIAG_DIR naming a directory. A request for a table is
 * answered by the file of its name there (netlink messages, one after the other, as one datagram)
 * and goes to the kernel where there is no such file. For tests alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_FDS 64
#define MAX_BYTES (1 << 24)
#define SOCK_DIAG_BY_FAMILY 20

static struct answer {
	unsigned char *bytes;
	size_t len, at;
} answers[MAX_FDS];

static const char *table_name(unsigned family)
{
	switch (family) {
	case 1: return "unix";
	case 16: return "netlink";
	case 17: return "packet";
	case 30: return "tipc";
	case 40: return "vsock";
	case 44: return "xdp";
	}
	return NULL;
}

/* Answers carry the number of the request and the port of who asked. */
static void address(struct answer *answer, unsigned seq, unsigned port)
{
	size_t at = 0;

	while (at + sizeof(struct nlmsghdr) <= answer->len) {
		struct nlmsghdr *message = (void *)(answer->bytes + at);

		message->nlmsg_seq = seq;
		message->nlmsg_pid = port;
		if (message->nlmsg_len < sizeof(*message))
			break;
		at += NLMSG_ALIGN(message->nlmsg_len);
	}
}

/* Loads the answer to a request; 0 when there is none. */
static int prepare(int fd, const void *request, size_t len)
{
	const struct nlmsghdr *header = request;
	const unsigned char *body = (const unsigned char *)(header + 1);
	const char *dir = getenv("PLUMB_DIAG_DIR"), *name;
	struct sockaddr_nl self = { 0 };
	socklen_t self_len = sizeof(self);
	char path[4096];
	FILE *file;

	if (!dir || fd < 0 || fd >= MAX_FDS || len < sizeof(*header) + 1 ||
	    header->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return 0;
	name = table_name(body[0]);
	if (!name || snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return 0;
	file = fopen(path, "rb");
	if (!file)
		return 0;
	free(answers[fd].bytes);
	answers[fd].bytes = malloc(MAX_BYTES);
	answers[fd].len = answers[fd].bytes ? fread(answers[fd].bytes, 1, MAX_BYTES, file) : 0;
	answers[fd].at = 0;
	fclose(file);
	getsockname(fd, (struct sockaddr *)&self, &self_len);
	address(&answers[fd], header->nlmsg_seq, self.nl_pid);
	return 1;
}

ssize_t sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *to,
	       socklen_t to_len)
{
	ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) =
		dlsym(RTLD_NEXT, "sendto");

	return prepare(fd, buf, len) ? (ssize_t)len : real(fd, buf, len, flags, to, to_len);
}

ssize_t send(int fd, const void *buf, size_t len, int flags)
{
	ssize_t (*real)(int, const void *, size_t, int) = dlsym(RTLD_NEXT, "send");

	return prepare(fd, buf, len) ? (ssize_t)len : real(fd, buf, len, flags);
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t (*real)(int, struct msghdr *, int) = dlsym(RTLD_NEXT, "recvmsg");
	struct answer *answer;
	size_t left, got = 0;

	if (fd < 0 || fd >= MAX_FDS || !answers[fd].bytes)
		return real(fd, msg, flags);
	answer = &answers[fd];
	left = answer->len - answer->at;
	for (size_t i = 0; i < msg->msg_iovlen && got < left; i++) {
		size_t part = msg->msg_iov[i].iov_len;

		if (part > left - got)
			part = left - got;
		if (part)
			memcpy(msg->msg_iov[i].iov_base, answer->bytes + answer->at + got, part);
		got += part;
	}
	if (msg->msg_name && msg->msg_namelen >= sizeof(struct sockaddr_nl))
		*(struct sockaddr_nl *)msg->msg_name = (struct sockaddr_nl){
			.nl_family = AF_NETLINK,
		};
	msg->msg_namelen = sizeof(struct sockaddr_nl);
	msg->msg_controllen = 0;
	msg->msg_flags = got < left ? MSG_TRUNC : 0;
	if (!(flags & MSG_PEEK))
		answer->at = answer->len;
	return flags & MSG_TRUNC ? (ssize_t)left : (ssize_t)got;
}

int close(int fd)
{
	int (*real)(int) = dlsym(RTLD_NEXT, "close");

	if (fd >= 0 && fd < MAX_FDS) {
		free(answers[fd].bytes);
		answers[fd] = (struct answer){ 0 };
	}
	return real(fd);
}
