// Command performance runs the benchmarks that the figures of docs/performance.md come from, prints the table of targets and
// that of what processor time is spent on, and writes both into that page and its Chinese one. It is what make performance runs.
//
// Names of benchmarks and of what they report go in; the tables come out. It judges nothing: what is not reached is said to be not
// reached, and the reason is written by hand beside the table.
package main
