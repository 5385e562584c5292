package console

// Served is something that can be asked for.
type Served struct {
	Method, Path string
	// Open: it asks for no token.
	Open bool
}

// Routes are all that the console serves.
func Routes() (all []Served) {
	for _, r := range (&Console{}).routes() {
		all = append(all, Served{r.method, r.path, r.open})
	}
	return all
}
