package translate

// MostSpent is how much may be spent on one message.
const MostSpent = mostSpent

// Spent tells how much is spent on a message.
func Spent(c *Catalogue, message string) int {
	s := &spent{}
	c.lines(s, message)
	return s.n
}
