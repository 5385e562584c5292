-- What the key of the store must be able to open.
CREATE TABLE meta (
	name TEXT PRIMARY KEY,
	value @bytes@ NOT NULL
);

-- The number of the last transaction that changed what others may wait for.
CREATE TABLE version (
	value BIGINT NOT NULL
);
INSERT INTO version (value) VALUES (1);

-- What IDaaS sent. The payload is sealed and holds no password.
CREATE TABLE event (
	id @identity@,
	application TEXT NOT NULL,
	instance TEXT NOT NULL,
	event_id TEXT NOT NULL,
	type TEXT NOT NULL,
	kind TEXT NOT NULL,
	object TEXT NOT NULL,
	happened BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	received BIGINT NOT NULL,
	payload @bytes@ NOT NULL,
	UNIQUE (event_id, application)
);
CREATE INDEX event_by_object ON event (object);

-- One event on its way to one directory; the directory is empty where the event is for none. The password is sealed. The
-- act is what the guard counts that held the delivery last; approved says that a person has allowed just that.
CREATE TABLE delivery (
	seq @identity@,
	event BIGINT NOT NULL REFERENCES event (id) ON DELETE CASCADE,
	directory TEXT NOT NULL,
	kind TEXT NOT NULL,
	object TEXT NOT NULL,
	state TEXT NOT NULL,
	code TEXT NOT NULL,
	message TEXT NOT NULL,
	password @bytes@,
	tried BOOLEAN NOT NULL DEFAULT FALSE,
	act TEXT NOT NULL DEFAULT '',
	approved BOOLEAN NOT NULL DEFAULT FALSE,
	retried BIGINT NOT NULL DEFAULT 0,
	settled BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX delivery_by_event ON delivery (event);
CREATE INDEX delivery_open ON delivery (directory, kind, object, seq) WHERE state IN ('pending', 'waiting');
CREATE INDEX delivery_unfinished ON delivery (state, directory) WHERE state IN ('pending', 'waiting', 'held', 'failed');

-- What is known of an object in a directory. The DN is readable; facts and owned values are sealed.
CREATE TABLE object (
	directory TEXT NOT NULL,
	kind TEXT NOT NULL,
	id TEXT NOT NULL,
	present BOOLEAN NOT NULL,
	said BIGINT NOT NULL,
	said_update BIGINT NOT NULL,
	password BIGINT NOT NULL,
	password_update BIGINT NOT NULL,
	facts @bytes@ NOT NULL,
	link TEXT NOT NULL,
	dn TEXT NOT NULL,
	dn_key @bytes@ NOT NULL,
	owned @bytes@,
	removed BIGINT NOT NULL,
	woke BIGINT NOT NULL,
	PRIMARY KEY (directory, kind, id)
);
CREATE INDEX object_by_dn ON object (directory, dn_key);
CREATE INDEX object_present ON object (directory, kind) WHERE present;
CREATE INDEX object_by_link ON object (directory, link) WHERE link <> '';

CREATE TABLE membership (
	directory TEXT NOT NULL,
	grp TEXT NOT NULL,
	member TEXT NOT NULL,
	present BOOLEAN NOT NULL,
	said BIGINT NOT NULL,
	said_update BIGINT NOT NULL,
	PRIMARY KEY (directory, grp, member)
) @keyed@;
CREATE INDEX membership_by_member ON membership (directory, member);

-- The queue: one row for each object that is to be looked at at some time, or not by itself where due is NULL.
CREATE TABLE work (
	directory TEXT NOT NULL,
	kind TEXT NOT NULL,
	object TEXT NOT NULL,
	due BIGINT,
	attempts BIGINT NOT NULL,
	PRIMARY KEY (directory, kind, object)
) @keyed@;
CREATE INDEX work_by_due ON work (directory, due);

CREATE TABLE dependency (
	directory TEXT NOT NULL,
	kind TEXT NOT NULL,
	object TEXT NOT NULL,
	on_kind TEXT NOT NULL,
	on_object TEXT NOT NULL,
	PRIMARY KEY (directory, kind, object, on_kind, on_object)
) @keyed@;
CREATE INDEX dependency_on ON dependency (directory, on_kind, on_object);

-- Numbers given out. A row is never removed, so that a number is never given out twice.
CREATE TABLE number (
	directory TEXT NOT NULL,
	pool TEXT NOT NULL,
	value BIGINT NOT NULL,
	kind TEXT NOT NULL,
	object TEXT NOT NULL,
	PRIMARY KEY (directory, pool, value)
) @keyed@;
CREATE UNIQUE INDEX number_by_object ON number (directory, pool, kind, object);

-- All numbers of a range from its start to before next are given out, so that nobody looks for a free one there.
CREATE TABLE pool (
	directory TEXT NOT NULL,
	name TEXT NOT NULL,
	start BIGINT NOT NULL,
	next BIGINT NOT NULL,
	PRIMARY KEY (directory, name, start)
) @keyed@;

-- Names that objects have or are about to get, each an attribute's value that only one entry may have.
CREATE TABLE claim (
	directory TEXT NOT NULL,
	pool TEXT NOT NULL,
	kind TEXT NOT NULL,
	object TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (directory, kind, object, pool)
) @keyed@;
CREATE UNIQUE INDEX claim_by_value ON claim (directory, pool, value);

-- What the guards have let through, and to which objects it was done.
CREATE TABLE spent (
	directory TEXT NOT NULL,
	act TEXT NOT NULL,
	kind TEXT NOT NULL,
	object TEXT NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (directory, act, kind, object)
) @keyed@;
CREATE INDEX spent_by_time ON spent (directory, act, at);

CREATE TABLE audit (
	id @identity@,
	at BIGINT NOT NULL,
	who TEXT NOT NULL,
	what TEXT NOT NULL,
	about TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (at);
