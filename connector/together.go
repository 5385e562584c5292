package connector

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// lookupsAtOnce is how many look-ups are made with one search at most, where nothing else is said: more make the filter long and gain little.
const lookupsAtOnce = 50

// lookup is one question about one entry. Many that wait at the same time are asked with one search.
type lookup struct {
	way        way
	base       plan.DN
	attributes []string
	// filters find the entry, any of them. Link and dn are by which it is recognised in an answer that has the entries of others.
	filters []string
	link    string
	dn      plan.DN
	// found is the entry, nil where it is proven that there is none; answered says that it is one of the two.
	found    *plan.Entry
	answered bool
	lead     chan struct{} // has one element for whoever is to search next
	done     chan struct{} // closed when another one has searched
}

// way is by what an entry is looked for.
type way int

const (
	// byLink: by the stable id. Who is not in the answer is looked for alone.
	byLink way = iota
	// byRules: by match rules, of which an entry that is found does not tell which of them found it, nor for whom. An answer without
	// any entry is one for all, and any other is none.
	byRules
	// byNewName: an entry that was just added, to learn its stable id.
	byNewName
)

// goesWith reports whether one search can answer two look-ups.
func (l *lookup) goesWith(other *lookup) bool {
	return l == other || l.way == other.way && l.base.Exactly(other.base) && slices.Equal(l.attributes, other.attributes)
}

// together gathers look-ups: while one search is under way, those that come in wait and are made with the next one. So nobody
// waits for others where there are none, and the more there is to do the less each costs.
type together struct {
	most    int // in one search
	mu      sync.Mutex
	waiting []*lookup
	busy    bool
}

// ask has a look-up answered, by a search of the caller or of another one. It returns with the look-up unanswered where that
// search has failed or has left a doubt: then the caller has to look alone.
func (t *together) ask(ctx context.Context, l *lookup, search func(context.Context, []*lookup)) {
	l.lead, l.done = make(chan struct{}, 1), make(chan struct{})
	t.mu.Lock()
	t.waiting = append(t.waiting, l)
	if !t.busy {
		t.busy = true
		l.lead <- struct{}{}
	}
	t.mu.Unlock()
	select {
	case <-l.done:
	case <-l.lead:
		t.searchFor(ctx, l, search)
	case <-ctx.Done():
		t.leave(l)
	}
}

// searchFor makes the search of a look-up and of those that can be made with it.
func (t *together) searchFor(ctx context.Context, l *lookup, search func(context.Context, []*lookup)) {
	defer t.next()
	batch := []*lookup{l}
	t.mu.Lock()
	t.waiting = slices.DeleteFunc(t.waiting, func(other *lookup) bool {
		if other != l && (len(batch) == t.most || !l.goesWith(other)) {
			return false
		}
		if other != l {
			batch = append(batch, other)
		}
		return true
	})
	t.mu.Unlock()
	defer func() {
		for _, other := range batch[1:] {
			close(other.done)
		}
	}()
	search(ctx, batch)
}

// next lets the one who waits longest search.
func (t *together) next() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		t.busy = false
		return
	}
	t.waiting[0].lead <- struct{}{}
}

// leave is for a caller who cannot wait any longer.
func (t *together) leave(l *lookup) {
	t.mu.Lock()
	t.waiting = slices.DeleteFunc(t.waiting, func(other *lookup) bool { return other == l })
	t.mu.Unlock()
	select {
	case <-l.lead:
		t.next()
	default:
	}
}

// lookUp makes one search for look-ups. Those that it cannot answer beyond doubt it leaves unanswered.
func (d *Directory) lookUp(ctx context.Context, batch []*lookup) {
	first := batch[0]
	profile, err := d.Profile(ctx)
	if err != nil {
		return
	}
	_ = d.ask(ctx, first.base, func(a asking) error {
		for _, l := range batch {
			l.found, l.answered = nil, false
		}
		return a.lookUp(profile, batch)
	}) // Whoever is without an answer looks alone, and meets the error.
}

func (a asking) lookUp(profile *Profile, batch []*lookup) error {
	first, most := batch[0], len(batch)
	q := query{base: first.base, scope: ldap.ScopeWholeSubtree, filter: anyFilter(batch), attributes: withLink(first.attributes, profile.Flavour.LinkAttribute())}
	if first.way == byRules {
		q.attributes, most = nothing, 1
	}
	found, more, err := a.some(q, most)
	switch {
	case err != nil || more:
		return err
	case first.way == byRules:
		return a.noneFound(batch, len(found))
	}
	asked := make(map[string][]*lookup, len(batch))
	for _, l := range batch {
		asked[l.name()] = append(asked[l.name()], l)
	}
	for _, e := range found {
		entry, err := profile.entry(e, first.attributes)
		if err != nil {
			return err
		}
		if entry.Link == "" {
			continue
		}
		it := lookup{way: first.way, link: entry.Link, dn: entry.DN}
		for _, l := range asked[it.name()] {
			l.answered = l.found == nil // of two entries with one name nobody knows which is meant
			l.found = entry
		}
	}
	return nil
}

// noneFound answers look-ups by match rules, of which none has found anything.
func (a asking) noneFound(batch []*lookup, found int) error {
	if found > 0 {
		return nil
	}
	if err := a.prove(batch[0].base); err != nil {
		return err
	}
	for _, l := range batch {
		l.answered = true
	}
	return nil
}

// name is by which an entry is recognised as the one that is looked for.
func (l *lookup) name() string {
	if l.way == byNewName {
		return l.dn.Key()
	}
	return l.link
}

// anyFilter returns the filter for what any of some look-ups looks for.
func anyFilter(batch []*lookup) string {
	var filter strings.Builder
	filter.WriteString("(|")
	for _, l := range batch {
		for _, f := range l.filters {
			filter.WriteString(f)
		}
	}
	filter.WriteString(")")
	return filter.String()
}

// lookupOf returns the look-up of a key, nil where it has to be looked for alone.
func (p *Profile) lookupOf(key plan.Key) *lookup {
	l := &lookup{base: key.Base, attributes: key.Attributes}
	link := p.Flavour.LinkAttribute()
	switch {
	case key.Link != "" && link != "" && len(key.Match) == 0:
		l.way, l.link, l.filters = byLink, key.Link, []string{linkFilter(link, key.Link)}
	case key.Link == "" && len(key.Match) > 0:
		l.way = byRules
		l.attributes = nil
		for _, m := range key.Match {
			l.filters = append(l.filters, m.Filter)
		}
	default:
		return nil
	}
	return l
}

// ReadNew returns an entry that was just added, with its stable id and no attributes, as Read does. It is found by a match rule
// that asks for the id in IDaaS, if the key has one, so that many are found with one search.
func (d *Directory) ReadNew(ctx context.Context, dn plan.DN, key plan.Key) (*plan.Entry, error) {
	i := slices.IndexFunc(key.Match, func(m plan.Match) bool { return m.ByID })
	if i >= 0 {
		l := &lookup{way: byNewName, base: key.Base, attributes: nothing, dn: dn, filters: []string{key.Match[i].Filter}}
		if d.together.ask(ctx, l, d.lookUp); l.answered {
			return l.found, nil
		}
	}
	return d.Read(ctx, dn, nil)
}
