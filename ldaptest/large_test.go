package ldaptest_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
)

const teamDN = "cn=team,dc=example,dc=org"

// crowd is a directory of that many people, all of them in one group.
func crowd(people int) string {
	var b strings.Builder
	b.WriteString("dn: dc=example,dc=org\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n" +
		"dn: ou=people,dc=example,dc=org\nobjectClass: organizationalUnit\nou: people\n\n")
	for i := range people {
		fmt.Fprintf(&b, "dn: uid=user%[1]d,%[2]s\nobjectClass: inetOrgPerson\nuid: user%[1]d\ncn: User %[1]d\nsn: %[1]d\nemployeeNumber: user_%[1]d\n\n", i, peopleDN)
	}
	fmt.Fprintf(&b, "dn: %s\nobjectClass: groupOfNames\ncn: team\n", teamDN)
	for i := range people {
		fmt.Fprintf(&b, "member: uid=user%d,%s\n", i, peopleDN)
	}
	return b.String()
}

// startCrowd serves a crowd and returns it with a connection of the administrator.
func startCrowd(tb testing.TB, people int) (*ldaptest.Server, *ldap.Conn) {
	tb.Helper()
	s, err := ldaptest.Start(ldaptest.Config{AdminPassword: secret.New(adminPW), LDIF: crowd(people)})
	if err != nil {
		tb.Fatal(err)
	}
	c, err := ldap.DialURL(s.URL())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = c.Close()
		s.Close()
	})
	if err := c.Bind(adminDN, adminPW); err != nil {
		tb.Fatal(err)
	}
	return s, c
}

// The operations that are to cost the same in a directory of any size. Each leaves the directory as it was.

func oneMemberMore(tb testing.TB, c *ldap.Conn) {
	tb.Helper()
	come, gone := ldap.NewModifyRequest(teamDN, nil), ldap.NewModifyRequest(teamDN, nil)
	come.Add("member", []string{"cn=new," + peopleDN})
	gone.Delete("member", []string{"cn=new," + peopleDN})
	for _, r := range []*ldap.ModifyRequest{come, gone} {
		if err := c.Modify(r); err != nil {
			tb.Fatal(err)
		}
	}
}

func find(tb testing.TB, c *ldap.Conn, filter string) {
	tb.Helper()
	r, err := c.Search(ldap.NewSearchRequest("dc=example,dc=org", ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, filter, []string{"1.1"}, nil))
	if err != nil || len(r.Entries) != 1 {
		tb.Fatalf("%s: %v, %v", filter, r, err)
	}
}

func moveThereAndBack(tb testing.TB, c *ldap.Conn) {
	tb.Helper()
	for _, r := range []*ldap.ModifyDNRequest{
		ldap.NewModifyDNRequest("uid=user7,"+peopleDN, "uid=user7", true, "dc=example,dc=org"),
		ldap.NewModifyDNRequest("uid=user7,dc=example,dc=org", "uid=user7", true, peopleDN),
	} {
		if err := c.ModifyDN(r); err != nil {
			tb.Fatal(err)
		}
	}
}

// sized are those operations by name, with what they need to know of a directory.
func sized(tb testing.TB, s *ldaptest.Server, c *ldap.Conn) map[string]func() {
	tb.Helper()
	id := s.Entry("uid=user7," + peopleDN).Link
	return map[string]func(){
		"one member more":      func() { oneMemberMore(tb, c) },
		"look at a group":      func() { find(tb, c, "(cn=team)") },
		"find by entryUUID":    func() { find(tb, c, "(entryUUID="+id+")") },
		"find by employee":     func() { find(tb, c, "(&(objectClass=inetOrgPerson)(employeeNumber=user_7))") },
		"move a member":        func() { moveThereAndBack(tb, c) },
		"find groups of a man": func() { find(tb, c, "(member=uid=user7,"+peopleDN+")") },
	}
}

// allocated returns how many bytes an operation allocates, on both sides of the socket.
func allocated(do func()) uint64 {
	do()
	const times = 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		do()
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / times
}

func TestOperationsCostTheSameInALargeDirectory(t *testing.T) {
	smallServer, smallConn := startCrowd(t, 100)
	largeServer, largeConn := startCrowd(t, 20_000)
	small, large := sized(t, smallServer, smallConn), sized(t, largeServer, largeConn)
	for name := range small {
		// Time says little on a busy machine. What is copied or sorted anew is seen in what is allocated.
		few, many := allocated(small[name]), allocated(large[name])
		if many > 2*few+4096 {
			t.Errorf("%s: %d bytes among 100 people, %d among 20,000", name, few, many)
		}
	}
}

// BenchmarkSizes shows each operation in a small directory and in one of 100,000 people who are all in one group.
func BenchmarkSizes(b *testing.B) {
	for _, people := range []int{100, 100_000} {
		s, c := startCrowd(b, people)
		for name, do := range sized(b, s, c) {
			b.Run(fmt.Sprintf("%s/people=%d", strings.ReplaceAll(name, " ", "-"), people), func(b *testing.B) {
				for b.Loop() {
					do()
				}
			})
		}
	}
}

// BenchmarkLoad loads people who are all in one group.
func BenchmarkLoad(b *testing.B) {
	text := crowd(10_000)
	for b.Loop() {
		s, err := ldaptest.Start(ldaptest.Config{AdminPassword: secret.New(adminPW), LDIF: text})
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}
