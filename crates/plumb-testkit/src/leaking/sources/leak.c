/* Opens connections in leak_here() and takes others in take_here(), and never closes one. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define APART __attribute__((noinline))

static int kept[65536];
static int count;

APART static int leak_here(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		exit(1);
	kept[count++ & 65535] = fd;
	return fd;
}

APART static int open_pool(int port, int wanted)
{
	int sum = 0;

	for (int i = 0; i < wanted; i++)
		sum += leak_here(port);
	return sum;
}

APART static int take_here(int listener)
{
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		exit(1);
	kept[count++ & 65535] = fd;
	return fd;
}

APART static int serve_pool(int port, int wanted)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1, sum = 0;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 128))
		exit(1);
	puts("listening");
	fflush(stdout);
	for (int i = 0; i < wanted; i++)
		sum += take_here(listener);
	return sum;
}

int main(int argc, char **argv)
{
	char byte;
	int sum;

	if (argc != 4)
		return 2;
	if (!strcmp(argv[1], "connect"))
		sum = open_pool(atoi(argv[2]), atoi(argv[3]));
	else
		sum = serve_pool(atoi(argv[2]), atoi(argv[3]));
	puts("ready");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return sum == 0;
}
