package acceptance_test

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"idaas-ldap/idaastest"
)

// process is the product as a process of its own, which is started again whenever it was killed.
type process struct {
	program, config string
	tenant          *idaastest.Tenant

	mu     sync.Mutex // guards what follows
	cmd    *exec.Cmd
	client *idaastest.Client
	killed bool  // and not started again so far
	ended  bool  // it is not to be started again
	broken error // why it does not run

	done chan struct{} // closed when nothing of it runs any more
	log  *lockedBuffer
}

// readyAt finds the address in the line with which the product says that it is ready.
var readyAt = regexp.MustCompile(`msg="ready for events".* listen="([^"]+)"`)

// startProcess starts the product with a configuration, as the program at a path or, without one, as this test binary.
func startProcess(tb testing.TB, program, config string, tenant *idaastest.Tenant) *process {
	tb.Helper()
	p := &process{program: program, config: config, tenant: tenant, done: make(chan struct{}), log: &lockedBuffer{}}
	lines, err := p.start()
	if err != nil {
		tb.Fatal(err)
	}
	go p.keep(lines)
	tb.Cleanup(func() {
		p.mu.Lock()
		p.ended = true
		_ = p.cmd.Process.Kill() // it may be dead
		p.mu.Unlock()
		<-p.done
	})
	return p
}

// start starts the product and waits until it says that it is ready. What it says after that has to be read.
func (p *process) start() (*bufio.Scanner, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return nil, errors.New("the campaign is over")
	}
	cmd := exec.CommandContext(context.Background(), cmp.Or(p.program, os.Args[0]), "serve", "--config", p.config)
	if p.program == "" {
		cmd.Args[0] = asProduct
	}
	cmd.Dir = filepath.Dir(p.config)
	output, err := cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("start the product: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the product: %w", err)
	}
	p.cmd = cmd
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		p.say(lines.Text())
		if found := readyAt.FindStringSubmatch(lines.Text()); found != nil {
			p.client = &idaastest.Client{Tenant: p.tenant, URL: "http://" + found[1] + "/accounts/provision", AnswerWithin: answerWithin}
			p.killed = false
			return lines, nil
		}
	}
	_ = cmd.Wait() // what it has said is why
	return nil, fmt.Errorf("the product does not start:\n%s", p.log)
}

func (p *process) say(line string) { fmt.Fprintln(p.log, line) }

// keep starts the product again whenever it was killed. That it ends in any other way is a fault.
func (p *process) keep(lines *bufio.Scanner) {
	defer close(p.done)
	for {
		for lines.Scan() {
			p.say(lines.Text())
		}
		err := p.cmd.Wait()
		p.mu.Lock()
		ended, killed := p.ended, p.killed
		if !ended && !killed {
			p.broken = fmt.Errorf("the product ended by itself: %w\n%s", err, p.log)
		}
		p.mu.Unlock()
		if ended || !killed {
			return
		}
		if lines, err = p.start(); err != nil {
			p.mu.Lock()
			p.broken = err
			p.mu.Unlock()
			return
		}
	}
}

// kill ends the product as a power cut would. It reports whether it was running.
func (p *process) kill() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed {
		return false
	}
	p.killed = true
	return p.cmd.Process.Kill() == nil
}

// running returns what the product is reached by, nil while it is dead.
func (p *process) running() (*idaastest.Client, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed {
		return nil, p.broken
	}
	return p.client, p.broken
}

// awaits waits until the product runs.
func (p *process) awaits() error {
	for deadline := time.Now().Add(settleWithin); ; <-time.After(5 * time.Millisecond) {
		client, err := p.running()
		if client != nil || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the product is not there again:\n%s", p.log)
		}
	}
}

// post sends a request again and again until it is answered with 200, as IDaaS does, whatever dies meanwhile. It returns how often it
// was sent.
func (p *process) post(events []idaastest.Event) (answer idaastest.Answer, sent int, err error) {
	for deadline := time.Now().Add(settleWithin); ; <-time.After(5 * time.Millisecond) {
		client, err := p.running()
		if err != nil {
			return answer, sent, err
		}
		if client != nil {
			sent++
			answer, err = client.Send(context.Background(), events...)
			if err == nil && answer.Status != http.StatusServiceUnavailable {
				return answer, sent, nil
			}
		}
		if time.Now().After(deadline) {
			return answer, sent, fmt.Errorf("no answer with 200 comes; the last is %+v, %w\n%s", answer, err, p.log)
		}
	}
}
