// Package simulation is tests only: dispatcher, processor and store on a directory in memory, in time that jumps, while everything goes wrong.
//
// A script is drawn from a seed. It says what happens in a company, when its events arrive, what is wrong with the directory and the store, and
// when an instance crashes, is stopped or has its clock set. One operation is let through at a time, so that a script ends the same way
// whenever it is played, and a script that fails is made shorter for as long as it still fails.
package simulation
