// The program that the attacker of the demo drops: it calls home a few times and ends. It does nothing else.
package main

import (
	"net"
	"os"
	"time"
)

const (
	calls    = 8
	interval = 4 * time.Second
)

func main() {
	address := os.Args[len(os.Args)-1]
	for range calls {
		if connection, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			_, _ = connection.Write([]byte("hello\n"))
			_ = connection.Close()
		}
		time.Sleep(interval)
	}
}
