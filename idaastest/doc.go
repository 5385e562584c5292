// Package idaastest acts as Alibaba Cloud IDaaS: it publishes keys, signs and encrypts events in the form that was captured
// from the real service, sends them with its retries, and makes up organisations to send.
//
// It serves tests, the demonstration and the simulate command. It is no part of the product's way of handling events.
package idaastest
