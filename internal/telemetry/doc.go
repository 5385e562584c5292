// Package telemetry is what operators see of a running idaas-ldap: its log and its metrics.
//
// One logger ([NewLogger]) and one set of metrics ([NewMetrics]) are made at the start and handed to whoever needs them;
// there is no global one. Everything that is logged passes a formatter that keeps each entry on one line, however hostile
// the text in it, and masks what may be a secret. Metrics carry neither ids nor DNs in their labels.
//
// Of the product it imports the vocabulary of events and the secrets it masks. Those who are observed declare the small
// interfaces that they call, and what is here satisfies them.
package telemetry
