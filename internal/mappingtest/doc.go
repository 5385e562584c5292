// Package mappingtest runs the tests inside mapping files.
//
// In goes a compiled mapping, out comes for each of its tests what was different. A test is played by the processor that also
// serves, on a sketch of a directory in memory that holds what the test says, so that a test shows what would really be written.
// The package does no input or output, and knows no clock: a test gives the same result every time.
package mappingtest
