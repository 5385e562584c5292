package connector

// WaitingLookups returns how many look-ups wait for the search that is under way.
func WaitingLookups(d *Directory) int {
	d.together.mu.Lock()
	defer d.together.mu.Unlock()
	return len(d.together.waiting)
}
