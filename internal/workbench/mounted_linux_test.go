package workbench_test

import (
	"os"
	"strings"
	"testing"

	"idaas-ldap/internal/workbench"
)

// A list as the kernel of a container shows it: a file of a secret with subPath, and one whose name has a space.
const mounts = `22 1 0:21 / / rw,relatime - overlay overlay rw
31 22 8:1 /pods/1/mapping.yaml /etc/idaas-ldap/mapping.yaml ro,relatime - ext4 /dev/sda1 rw
32 22 8:1 /pods/2 /etc/idaas-ldap/maps rw,relatime - ext4 /dev/sda1 rw
33 22 8:1 /x /srv/our\040own\134mapping.yaml rw,relatime shared:1 - ext4 /dev/sda1 rw
34 22
`

// A file that is mounted by itself is told from one in a folder that is mounted.
func TestAFileThatIsMountedByItselfCannotBeReplaced(t *testing.T) {
	for path, want := range map[string]bool{
		"/etc/idaas-ldap/mapping.yaml": true, "/srv/our own\\mapping.yaml": true, "/etc/idaas-ldap/maps/mapping.yaml": false, "/etc/idaas-ldap/mapping.yam": false,
	} {
		if got := workbench.IsMounted([]byte(mounts), path); got != want {
			t.Errorf("%s is mounted by itself: %v", path, got)
		}
	}
	if file := opened(t, written(t, "a: 1\n")); file.ReadOnly != nil {
		t.Error(file.ReadOnly)
	}
}

// Those of this machine that are mounted so are shown as what can only be read.
func TestMountedFilesOfThisMachineCanOnlyBeRead(t *testing.T) {
	list, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(list)) {
		path := strings.Fields(line)[4]
		if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		if file, err := workbench.OpenFile(path); err == nil && file.ReadOnly == nil {
			t.Errorf("%s can be replaced", path)
		}
	}
}
