package main

import (
	"io/fs"
	"math"
	"path"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
)

// limitMemory lets the collector work harder as memory comes near to what the system allows this process, instead of being killed
// at it. Who has set GOMEMLIMIT knows better.
func limitMemory(system fs.FS, environ []string) {
	if slices.ContainsFunc(environ, func(v string) bool { return strings.HasPrefix(v, "GOMEMLIMIT=") }) {
		return
	}
	if limit, limited := cgroupLimit(system); limited {
		const spared = 10 // a tenth is for what the collector does not know of, such as the pages of the database
		debug.SetMemoryLimit(limit - limit/spared)
	}
}

// cgroupLimit returns the smallest memory limit of the control group of this process and those above it, which is how systemd and
// containers say it. Version 2 has one tree; of version 1 a container sees its own limit at the root.
func cgroupLimit(system fs.FS) (limit int64, limited bool) {
	limit = math.MaxInt64
	consider := func(name string) {
		raw, err := fs.ReadFile(system, name)
		if err != nil {
			return
		}
		// Version 2 says "max" and version 1 a number beyond any memory where there is no limit.
		const absurd = 1 << 50
		if n, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64); err == nil && n > 0 && n < absurd {
			limit, limited = min(limit, n), true
		}
	}
	groups, _ := fs.ReadFile(system, "proc/self/cgroup") // without it the root alone is looked at
	for line := range strings.Lines(string(groups)) {
		own, isV2 := strings.CutPrefix(strings.TrimSpace(line), "0::")
		for isV2 && own != "/" && own != "." && own != "" {
			consider(path.Join("sys/fs/cgroup", own, "memory.max"))
			own = path.Dir(own)
		}
	}
	consider("sys/fs/cgroup/memory.max")
	consider("sys/fs/cgroup/memory/memory.limit_in_bytes")
	return limit, limited
}
