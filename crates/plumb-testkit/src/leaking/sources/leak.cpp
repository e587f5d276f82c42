// Opens connections in pool::Keeper::leak_here() and takes others in take_here(), and never closes one.
#include <arpa/inet.h>
#include <cstdlib>
#include <iostream>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace pool {

class Keeper {
	std::vector<int> kept;

	static sockaddr_in loopback(int port)
	{
		sockaddr_in address{};
		address.sin_family = AF_INET;
		address.sin_port = htons(port);
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return address;
	}

public:
	[[gnu::noinline]] void leak_here(int port)
	{
		sockaddr_in to = loopback(port);
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fd, reinterpret_cast<sockaddr *>(&to), sizeof(to)))
			std::exit(1);
		kept.push_back(fd);
	}

	[[gnu::noinline]] void take_here(int listener)
	{
		int fd = accept(listener, nullptr, nullptr);
		if (fd < 0)
			std::exit(1);
		kept.push_back(fd);
	}

	[[gnu::noinline]] void open_pool(int port, int wanted)
	{
		for (int i = 0; i < wanted; i++)
			leak_here(port);
	}

	[[gnu::noinline]] void serve_pool(int port, int wanted)
	{
		sockaddr_in at = loopback(port);
		int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
		setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(listener, reinterpret_cast<sockaddr *>(&at), sizeof(at)) || listen(listener, 128))
			std::exit(1);
		std::cout << "listening" << std::endl;
		for (int i = 0; i < wanted; i++)
			take_here(listener);
	}
};

} // namespace pool

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	pool::Keeper keeper;
	if (std::string(argv[1]) == "connect")
		keeper.open_pool(std::atoi(argv[2]), std::atoi(argv[3]));
	else
		keeper.serve_pool(std::atoi(argv[2]), std::atoi(argv[3]));
	std::cout << "ready" << std::endl;
	for (char byte; read(0, &byte, 1) > 0;)
		;
}
