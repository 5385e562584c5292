package connector

// generic is a server of which nothing is assumed beyond the RFCs. It has no means to keep users out, so the mapping has
// to say how.
type generic struct {
	standard

	link bool // the schema knows entryUUID (RFC 4530)
}

func (generic) Name() string { return Generic }

func (f generic) LinkAttribute() string {
	if f.link {
		return "entryUUID"
	}
	return ""
}
