-- By which stable id the base entry of a mapping is known in a directory, so that another directory is told from it.
CREATE TABLE identity (
	directory TEXT NOT NULL,
	base @bytes@ NOT NULL,
	id TEXT NOT NULL,
	PRIMARY KEY (directory, base)
) @keyed@;
@statistics@
