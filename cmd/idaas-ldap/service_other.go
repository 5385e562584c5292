//go:build !windows

package main

import "context"

// supervised runs the program. Service managers other than that of Windows need no more than signals.
func supervised(ctx context.Context, t terminal, program func(context.Context, terminal) int) int {
	return program(ctx, t)
}
