-- How the last day was, minute by minute: a ring, of which each minute of the day has one row.
CREATE TABLE sample (
	slot BIGINT PRIMARY KEY,
	at BIGINT NOT NULL,
	accepted BIGINT NOT NULL,
	failed BIGINT NOT NULL,
	backlog BIGINT NOT NULL,
	operations BIGINT NOT NULL,
	took BIGINT NOT NULL
);

-- What has failed is counted by its reason.
CREATE INDEX delivery_failed ON delivery (directory, code) WHERE state = 'failed';
@statistics@
