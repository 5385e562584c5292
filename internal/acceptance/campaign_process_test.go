//go:build linux

package acceptance_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"idaas-ldap/idaastest"
)

// process is the product as a process of its own, which is started again whenever it was killed.
type process struct {
	program, config string
	tenant          *idaastest.Tenant
	// buried is told when it has died of a kill, before it is started again. With patient it may fail to start, as its database is away.
	buried  func(pid int)
	patient bool

	mu sync.Mutex // guards what follows
	// launched is how often it was started, each time to work on another number of objects at a time.
	launched int
	cmd      *exec.Cmd
	clock    io.Writer
	client   *idaastest.Client // nil while it is not ready
	admin    string
	killed   bool  // and not started again so far
	halted   bool  // by SIGSTOP
	ended    bool  // it is not to be started again
	broken   error // why it does not run

	done chan struct{} // closed when nothing of it runs any more
	log  *lockedBuffer
}

// readyAt finds the addresses in the line with which the product says that it is ready.
var readyAt = regexp.MustCompile(`msg="ready for events" admin="([^"]+)" listen="([^"]+)"`)

// run starts the product and keeps it running until the test ends.
func (p *process) run(tb testing.TB) {
	tb.Helper()
	p.done, p.log = make(chan struct{}), &lockedBuffer{}
	go p.keep()
	tb.Cleanup(func() {
		p.mu.Lock()
		p.ended = true
		if p.cmd != nil {
			_ = p.cmd.Process.Kill() // it may be dead
		}
		p.mu.Unlock()
		<-p.done
	})
	if err := p.awaits(); err != nil {
		tb.Fatal(err)
	}
}

// keep starts the product, and again whenever it was killed. That it ends in any other way is a fault.
func (p *process) keep() {
	defer close(p.done)
	var failing time.Time // since when it does not start
	for {
		output, err := p.launch()
		if err != nil {
			p.breaks(err)
			return
		}
		wasReady := p.follow(output)
		err = p.cmd.Wait()
		killed, ended := p.died()
		switch {
		case ended:
			return
		case killed:
			failing = time.Time{}
			continue
		case !wasReady && p.patient && (failing.IsZero() || time.Since(failing) < settleWithin):
			if failing.IsZero() {
				failing = time.Now()
			}
			continue
		}
		p.breaks(fmt.Errorf("the product ended by itself: %w", err))
		return
	}
}

func (p *process) breaks(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = err
}

func (p *process) launch() (io.Reader, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return nil, errors.New("the campaign is over")
	}
	cmd := exec.CommandContext(context.Background(), cmp.Or(p.program, os.Args[0]), "serve", "--config", p.config)
	if p.program == "" {
		numbers := []int{0, oneAtOnce, manyAtOnce}
		cmd.Args = []string{asProduct, strconv.Itoa(numbers[p.launched%len(numbers)]), p.config}
		p.launched++
	}
	cmd.Dir = filepath.Dir(p.config)
	output, err := cmd.StderrPipe()
	if err == nil {
		p.clock, err = cmd.StdinPipe()
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start the product: %w", err)
	}
	p.cmd, p.killed, p.halted = cmd, false, false
	return output, nil
}

// follow reads what the product says until it has ended, and reports whether it was ready.
func (p *process) follow(output io.Reader) (wasReady bool) {
	for lines := bufio.NewScanner(output); lines.Scan(); {
		fmt.Fprintln(p.log, lines.Text())
		found := readyAt.FindStringSubmatch(lines.Text())
		if found == nil {
			continue
		}
		wasReady = true
		p.mu.Lock()
		if !p.killed {
			p.admin = found[1]
			p.client = &idaastest.Client{Tenant: p.tenant, URL: "http://" + found[2] + "/accounts/provision", AnswerWithin: answerWithin}
		}
		p.mu.Unlock()
	}
	return wasReady
}

// died notes that the process has ended, and says why.
func (p *process) died() (killed, ended bool) {
	p.mu.Lock()
	killed, ended = p.killed, p.ended
	pid := p.cmd.Process.Pid
	p.client = nil
	p.mu.Unlock()
	if killed && !ended && p.buried != nil {
		p.buried(pid)
	}
	return killed, ended
}

// kill ends the product as a power cut would, whether it is ready or about to be. It reports whether it was alive.
func (p *process) kill() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed || p.cmd == nil || p.cmd.Process.Kill() != nil {
		return false
	}
	p.killed, p.client = true, nil
	return true
}

// halt stops the product in its tracks until it is resumed or killed.
func (p *process) halt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.halted = p.cmd.Process.Signal(syscall.SIGSTOP) == nil
}

func (p *process) isHalted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.halted
}

func (p *process) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.halted {
		p.halted = p.cmd.Process.Signal(syscall.SIGCONT) != nil
	}
}

// fill lets no write into any file succeed, or all again: what a process may write is limited.
func (p *process) fill(full bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var limit unix.Rlimit
	if p.killed {
		return nil
	}
	if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, nil, &limit); err != nil {
		return nil // it has died meanwhile
	}
	if limit.Cur = limit.Max; full {
		limit.Cur = 1
	}
	return unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil) //nolint:wrapcheck // The caller says so.
}

// step puts the clock of the product so far off the right time.
func (p *process) step(off time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintln(p.clock, off)
}

// ready returns what the product is reached by, nil while it is dead or halted.
func (p *process) ready() (*idaastest.Client, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.halted {
		return nil, p.broken
	}
	return p.client, p.broken
}

// leads reports whether the product says that it works on the directory.
func (p *process) leads() bool {
	p.mu.Lock()
	url := "http://" + p.admin + "/readyz"
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	var says struct {
		Leases map[string]struct{ Owner string }
	}
	return json.NewDecoder(response.Body).Decode(&says) == nil && says.Leases["corp"].Owner == "this instance"
}

// awaits waits until the product runs.
func (p *process) awaits() error {
	for deadline := time.Now().Add(settleWithin); ; <-time.After(5 * time.Millisecond) {
		client, err := p.ready()
		if client != nil || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return errors.New("the product is not there again")
		}
	}
}
