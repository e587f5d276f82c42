"""Opens connections in leak_here() and takes others in take_here(), and never closes one."""

import os, socket
import sys

kept = []


def leak_here(port):
    fresh = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    fresh.connect(("127.0.0.1", port))
    kept.append(fresh)


def open_pool(port, wanted):
    for _ in range(wanted):
        leak_here(port)


def take_here(listener):
    kept.append(listener.accept()[0])


def serve_pool(port, wanted):
    listener = socket.create_server(("127.0.0.1", port))
    print("listening", flush=True)
    for _ in range(wanted):
        take_here(listener)


if __name__ == "__main__":
    if sys.argv[1] == "connect":
        open_pool(int(sys.argv[2]), int(sys.argv[3]))
    else:
        serve_pool(int(sys.argv[2]), int(sys.argv[3]))
    print("ready", flush=True)
    sys.stdin.read()
    # An interpreter that ends in order closes what was kept.
    os._exit(0)
