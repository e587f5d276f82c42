/*
 * Does what its words say with sockets, in functions whose names are known; keeps what it opened, says "ready",
 * and ends with its standard input.
 *
 *	act connect PORT COUNT	opens COUNT connections to PORT of loopback in open_here()
 *	act read-end PORT COUNT	the same, and reads each to its end in read_end_here()
 *	act ask PORT COUNT	sends COUNT datagrams to PORT of loopback, each from a new socket, waits for answers
 *	act flood PORT COUNT	sends COUNT datagrams to a socket at PORT of loopback with a small queue, which nobody reads
 *	act knock PORT COUNT	begins COUNT connections to PORT of loopback, on one processor and without waiting, KNOCKING at once
 *	act move		moves bytes over UDP and UNIX sockets, as MOVED in mod.rs says, and again for each byte it reads,
 *			after which it says "moved"
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define APART __attribute__((noinline))
#define KNOCKING 256

static char bytes[4096];
static int moved_before;

APART static int open_here(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		perror("connect");
	return fd;
}

APART static int read_end_here(int fd)
{
	int sum = 0;
	ssize_t len;

	while ((len = read(fd, bytes, sizeof(bytes))) > 0)
		sum += len;
	return sum;
}

/* Nobody listens there, so that what comes is an error. */
static void ask(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) || send(fd, bytes, 10, 0) != 10 ||
	    recv(fd, bytes, sizeof(bytes), 0) < 0)
		perror("ask");
}

static void need(int done)
{
	if (!done) {
		perror("act");
		exit(1);
	}
}

static void flood(int port, int count)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	int to = socket(AF_INET, SOCK_DGRAM, 0), from = socket(AF_INET, SOCK_DGRAM, 0);
	int room = 2304;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	need(!setsockopt(to, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)));
	need(!bind(to, (struct sockaddr *)&at, sizeof(at)));
	for (int i = 0; i < count; i++)
		need(sendto(from, bytes, 1000, 0, (struct sockaddr *)&at, sizeof(at)) == 1000);
}

/* So that packets come in on the processor that begins connections, and nowhere else. */
static void stay_on_one_processor(void)
{
	cpu_set_t allowed, one;

	need(!sched_getaffinity(0, sizeof(allowed), &allowed));
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE && !CPU_COUNT(&one); cpu++)
		if (CPU_ISSET(cpu, &allowed))
			CPU_SET(cpu, &one);
	need(!sched_setaffinity(0, sizeof(one), &one));
}

static void knock(int port, int count)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fds[KNOCKING] = {};

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	stay_on_one_processor();
	for (int i = 0; i < count + KNOCKING; i++) {
		int *fd = &fds[i % KNOCKING];

		if (*fd)
			close(*fd);
		if (i >= count)
			continue;
		*fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		need(*fd > 0);
		connect(*fd, (struct sockaddr *)&to, sizeof(to));
	}
}

/*
 * So many messages of so many bytes from one end to the other; each is looked at before it is taken. The sockets of the
 * first time stay.
 */
static void move_over(int from, int to, int count, size_t len)
{
	for (int i = 0; i < count; i++) {
		need(send(from, bytes, len, 0) == (ssize_t)len);
		need(recv(to, bytes, sizeof(bytes), MSG_PEEK) == (ssize_t)len);
		need(recv(to, bytes, sizeof(bytes), 0) == (ssize_t)len);
	}
	if (moved_before) {
		close(from);
		close(to);
	}
}

static void move_over_pair(int type, int count, size_t len)
{
	int ends[2];

	need(!socketpair(AF_UNIX, type, 0, ends));
	move_over(ends[0], ends[1], count, len);
}

static void move_over_udp(int family, const char *address, int count, size_t len)
{
	struct sockaddr_storage at = { .ss_family = family };
	struct sockaddr_in *at4 = (void *)&at;
	struct sockaddr_in6 *at6 = (void *)&at;
	socklen_t size = family == AF_INET ? sizeof(*at4) : sizeof(*at6);
	int to = socket(family, SOCK_DGRAM, 0), from = socket(family, SOCK_DGRAM, 0);

	need(inet_pton(family, address,
		       family == AF_INET ? (void *)&at4->sin_addr : &at6->sin6_addr) == 1);
	need(!bind(to, (struct sockaddr *)&at, size));
	need(!getsockname(to, (struct sockaddr *)&at, &size));
	need(!connect(from, (struct sockaddr *)&at, size));
	move_over(from, to, count, len);
}

static int move_bytes(void)
{
	move_over_udp(AF_INET, "127.0.0.1", 10, 300);
	move_over_udp(AF_INET6, "::1", 9, 200);
	move_over_pair(SOCK_STREAM, 8, 1000);
	move_over_pair(SOCK_DGRAM, 7, 100);
	move_over_pair(SOCK_SEQPACKET, 6, 50);
	moved_before = 1;
	return 0;
}

int main(int argc, char **argv)
{
	char byte;

	if (argc == 2 && !strcmp(argv[1], "move"))
		move_bytes();
	else if (argc == 4 && !strcmp(argv[1], "flood"))
		flood(atoi(argv[2]), atoi(argv[3]));
	else if (argc == 4 && !strcmp(argv[1], "knock"))
		knock(atoi(argv[2]), atoi(argv[3]));
	else if (argc != 4)
		return 2;
	for (int i = 0; argc == 4 && strcmp(argv[1], "flood") && i < atoi(argv[3]); i++) {
		if (!strcmp(argv[1], "knock"))
			break;
		if (!strcmp(argv[1], "ask"))
			ask(atoi(argv[2]));
		else if (!strcmp(argv[1], "read-end"))
			read_end_here(open_here(atoi(argv[2])));
		else
			open_here(atoi(argv[2]));
	}
	puts("ready");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		if (argc == 2) {
			move_bytes();
			puts("moved");
			fflush(stdout);
		}
	return 0;
}
