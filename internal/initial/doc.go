// Package initial writes what a new installation begins with: a configuration and a mapping for one application of IDaaS and one
// directory, as files that the same checks accept as any others. It is pure: what the directory shows is handed in.
package initial
