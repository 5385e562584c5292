-- How far a round of reading IDaaS's own API has come, for each application: what was named and what was read.
CREATE TABLE reading (
	application TEXT NOT NULL,
	kind TEXT NOT NULL,
	object TEXT NOT NULL,
	stage TEXT NOT NULL,
	PRIMARY KEY (application, kind, object)
) @keyed@;
CREATE INDEX reading_by_stage ON reading (application, kind, stage, object);
@statistics@
