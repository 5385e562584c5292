-- The instance of IDaaS that was the first to say something about an object. No other one may.
CREATE TABLE owner (
	directory TEXT NOT NULL,
	kind TEXT NOT NULL,
	object TEXT NOT NULL,
	instance TEXT NOT NULL,
	PRIMARY KEY (directory, kind, object)
) @keyed@;

-- The transaction with this version was the last that made the object due without an event. Who has loaded the job before looks
-- again.
ALTER TABLE work ADD COLUMN asked BIGINT NOT NULL DEFAULT 0;
@statistics@
