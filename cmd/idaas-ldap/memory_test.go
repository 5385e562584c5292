package main

import (
	"math"
	"runtime/debug"
	"testing"
	"testing/fstest"
)

func TestMemoryIsLimitedWhereTheSystemDoes(t *testing.T) {
	file := func(content string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(content)} }
	const unlimited = math.MaxInt64
	for name, c := range map[string]struct {
		system  fstest.MapFS
		environ []string
		want    int64
	}{
		"no control groups": {fstest.MapFS{}, nil, unlimited},
		"a unit with MemoryMax": {fstest.MapFS{
			"proc/self/cgroup": file("0::/system.slice/idaas-ldap.service\n"), "sys/fs/cgroup/system.slice/idaas-ldap.service/memory.max": file("200000000\n"),
			"sys/fs/cgroup/system.slice/memory.max": file("max\n"),
		}, nil, 180000000},
		"a slice above it with less": {fstest.MapFS{
			"proc/self/cgroup": file("0::/a/b\n"), "sys/fs/cgroup/a/b/memory.max": file("200000000\n"), "sys/fs/cgroup/a/memory.max": file("100000000\n"),
		}, nil, 90000000},
		"a container":              {fstest.MapFS{"proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/memory.max": file("100000000\n")}, nil, 90000000},
		"a container of version 1": {fstest.MapFS{"proc/self/cgroup": file("4:memory:/x\n"), "sys/fs/cgroup/memory/memory.limit_in_bytes": file("100000000\n")}, nil, 90000000},
		"version 1 without limit":  {fstest.MapFS{"sys/fs/cgroup/memory/memory.limit_in_bytes": file("9223372036854771712\n")}, nil, unlimited},
		"somebody has said it":     {fstest.MapFS{"sys/fs/cgroup/memory.max": file("100000000\n")}, []string{"GOMEMLIMIT=1GiB"}, unlimited},
	} {
		t.Run(name, func(t *testing.T) {
			before := debug.SetMemoryLimit(unlimited)
			defer debug.SetMemoryLimit(before)
			limitMemory(c.system, c.environ)
			if got := debug.SetMemoryLimit(-1); got != c.want {
				t.Errorf("the limit is %d; want %d", got, c.want)
			}
		})
	}
}
