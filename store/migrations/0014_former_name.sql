-- Values by which a group may still name a member who is called otherwise by now, or is gone: the group was not to be seen when what names
-- the member was changed.
CREATE TABLE former_name (
	directory TEXT NOT NULL,
	grp TEXT NOT NULL,
	member TEXT NOT NULL,
	value TEXT NOT NULL
);
CREATE INDEX former_name_of ON former_name (directory, grp, member);
@statistics@
