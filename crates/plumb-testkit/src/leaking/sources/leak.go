// Opens connections in leakHere and takes others in takeHere, and never closes one.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
)

var kept []net.Conn

//go:noinline
func leakHere(port string) {
	conn, err := net.Dial("tcp4", "127.0.0.1:"+port)
	if err != nil {
		os.Exit(1)
	}
	kept = append(kept, conn)
}

//go:noinline
func openPool(port string, wanted int) {
	for i := 0; i < wanted; i++ {
		leakHere(port)
	}
}

//go:noinline
func takeHere(listener net.Listener) {
	conn, err := listener.Accept()
	if err != nil {
		os.Exit(1)
	}
	kept = append(kept, conn)
}

//go:noinline
func servePool(port string, wanted int) {
	listener, err := net.Listen("tcp4", "127.0.0.1:"+port)
	if err != nil {
		os.Exit(1)
	}
	fmt.Println("listening")
	for i := 0; i < wanted; i++ {
		takeHere(listener)
	}
}

func main() {
	wanted, _ := strconv.Atoi(os.Args[3])
	if os.Args[1] == "connect" {
		openPool(os.Args[2], wanted)
	} else {
		servePool(os.Args[2], wanted)
	}
	fmt.Println("ready")
	io.ReadAll(os.Stdin)
}
