package ldaptest

import (
	"context"
	"math/rand/v2"
	"net"
	"testing"
)

// Where servers listen that can be told. The ports are below those that systems hand out by themselves, so nobody gets one by
// chance while its server has not started yet, or is down.
const (
	plainPort  = "1389"
	securePort = "1636"
)

// FreeAddress returns a loopback address on which ports are free now. Every server has an address of its own, drawn from
// sixteen million, so that those which start at the same time, in other tests too, do not get into each other's way.
func FreeAddress(tb testing.TB, ports ...string) string {
	tb.Helper()
	for range 100 {
		address := net.IPv4(127, byte(1+rand.IntN(254)), byte(1+rand.IntN(254)), byte(1+rand.IntN(254))).String()
		if isFree(address, ports) {
			return address
		}
	}
	tb.Fatalf("no loopback address has its ports %v free", ports)
	return ""
}

func isFree(address string, ports []string) bool {
	var config net.ListenConfig
	for _, port := range ports {
		listener, err := config.Listen(context.Background(), "tcp", net.JoinHostPort(address, port))
		if err != nil {
			return false
		}
		_ = listener.Close() // it was only asked whether it could listen
	}
	return true
}
