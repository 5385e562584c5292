package workbench

// IsMounted reports whether a path is itself a place of a mount, by the list of the kernel.
func IsMounted(mounts []byte, path string) bool { return isMounted(mounts, path) }
