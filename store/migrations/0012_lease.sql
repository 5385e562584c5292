-- Who works on what is due in a directory, where several processes share a database, and until when by the clock of the database. The
-- epoch grows whenever somebody else takes over.
CREATE TABLE lease (
	directory TEXT PRIMARY KEY,
	owner TEXT NOT NULL,
	epoch BIGINT NOT NULL,
	until BIGINT NOT NULL
) @keyed@;
