// Package workbench tries an edited mapping on a sample, on somebody who is known and on everybody, beside the one that is in force, and
// puts its file in the place of the former one. Nothing that it tries is written anywhere.
package workbench
