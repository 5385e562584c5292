package connector

import (
	"context"
	"slices"
	"strings"

	"idaas-ldap/plan"
)

// Suffixes returns the naming contexts of the server in which accounts may be (RFC 4512 section 5.1), on Active Directory that of the
// domain. Those of the server's own business, below cn=, are left out.
func (d *Directory) Suffixes(ctx context.Context) ([]plan.DN, error) {
	root, err := d.rootDSE(ctx)
	if err != nil {
		return nil, err
	}
	names := root.GetEqualFoldAttributeValues("namingContexts")
	if own := root.GetEqualFoldAttributeValue("defaultNamingContext"); own != "" && set(root.GetEqualFoldAttributeValues("supportedCapabilities"))[capabilityActiveDirectory] {
		names = []string{own}
	}
	var suffixes []plan.DN
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		dn, err := plan.ParseDN(name)
		if err == nil && !dn.Empty() && !strings.HasPrefix(strings.ToLower(name), "cn=") {
			suffixes = append(suffixes, dn)
		}
	}
	return suffixes, nil
}
