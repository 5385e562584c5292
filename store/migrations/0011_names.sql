-- The names by which people are looked for, in small letters: the user name or the name of a unit or group, and the display name.
-- The program fills them in for the rows that are there.
ALTER TABLE object ADD COLUMN login TEXT NOT NULL DEFAULT '';
ALTER TABLE object ADD COLUMN label TEXT NOT NULL DEFAULT '';
CREATE INDEX object_by_login ON object (login, directory, kind, id) WHERE login <> '';
CREATE INDEX object_by_label ON object (label, directory, kind, id) WHERE label <> '';

-- What a person has to decide is counted and shown by what holds it.
CREATE INDEX delivery_held ON delivery (directory, code, act) WHERE state = 'held';
@statistics@
