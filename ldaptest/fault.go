package ldaptest

// Operation is a request that arrived, for the decision whether it is to go wrong.
type Operation struct {
	// Verb is bind, search, compare, add, modify, modrdn, delete, password, whoami, starttls or extended.
	Verb string
	// DN is what the request names, as it names it: the entry, the base of a search, the name of a bind.
	DN string
	// BoundAs is whose session it is, empty for an anonymous one.
	BoundAs string
	// Connection counts the connections since the start, from 1.
	Connection int
}

// Fault is what goes wrong with one operation. Its zero value is nothing. Several may be set together: first it waits, then
// the connection is dropped before anything is done, or the code is answered, or the operation is done and then the connection is dropped.
type Fault struct {
	// Wait holds the operation until the channel is closed or yields, the connection ends or the server is closed.
	Wait <-chan struct{}
	// DropBefore cuts the connection; the operation is not done.
	DropBefore bool
	// Code is answered in the place of doing the operation, with Message as its diagnostic message.
	Code    uint16
	Message string
	// DropAfter does the operation and cuts the connection instead of answering.
	DropAfter bool
}

// Fault sets the function that decides about every operation from now on, before it is done; nil ends all faults. The function is called
// from several goroutines, one for each operation under way.
func (s *Server) Fault(decide func(Operation) Fault) {
	s.faultMu.Lock()
	defer s.faultMu.Unlock()
	s.decide = decide
}

func (s *Server) faultFor(op Operation) Fault {
	s.faultMu.RLock()
	decide := s.decide
	s.faultMu.RUnlock()
	if decide == nil {
		return Fault{}
	}
	return decide(op)
}
