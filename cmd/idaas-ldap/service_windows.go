package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"
)

// serviceName is the name under which docs/windows.md registers the service.
const serviceName = "idaas-ldap"

// supervised runs the program, under the service manager of Windows where that has started it.
func supervised(ctx context.Context, t terminal, program func(context.Context, terminal) int) int {
	isService, err := svc.IsWindowsService()
	if err != nil || !isService {
		return program(ctx, t)
	}
	s := &managed{ctx: ctx, terminal: t, program: program}
	if log, err := eventlog.Open(serviceName); err == nil {
		defer func() { _ = log.Close() }() // nothing is to be said after it
		s.terminal.Err = eventWriter{log}
	}
	if err := svc.Run(serviceName, s); err != nil {
		fmt.Fprintf(os.Stderr, "idaas-ldap: run as a service: %v\n", err)
		return exitFailed
	}
	return s.code
}

// managed is the program as the service manager sees it.
type managed struct {
	ctx      context.Context //nolint:containedctx // Execute has no argument for it.
	terminal terminal
	program  func(context.Context, terminal) int
	code     int
}

// Execute runs the program until it ends or the service manager stops it.
func (m *managed) Execute(_ []string, requests <-chan svc.ChangeRequest, status chan<- svc.Status) (isOwnCode bool, code uint32) {
	status <- svc.Status{State: svc.StartPending}
	ctx, stop := context.WithCancel(m.ctx)
	defer stop()
	ended := make(chan int, 1)
	go func() { ended <- m.program(ctx, m.terminal) }()
	running := svc.Status{State: svc.Running, Accepts: svc.AcceptStop | svc.AcceptShutdown}
	status <- running
	for {
		select {
		case m.code = <-ended:
			return m.code != exitDone, uint32(m.code) //nolint:gosec // Exit codes are small.
		case r := <-requests:
			switch r.Cmd {
			case svc.Interrogate:
				status <- r.CurrentStatus
			case svc.Stop, svc.Shutdown:
				status <- svc.Status{State: svc.StopPending}
				stop()
			}
		}
	}
}

// eventWriter writes lines of the log into the event log, as a service has no terminal.
type eventWriter struct{ log *eventlog.Log }

var _ io.Writer = eventWriter{}

func (w eventWriter) Write(line []byte) (int, error) {
	const lineOfTheLog = 1
	if err := w.log.Info(lineOfTheLog, string(line)); err != nil {
		return 0, fmt.Errorf("write into the event log: %w", err)
	}
	return len(line), nil
}
