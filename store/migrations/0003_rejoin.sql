-- The entry of the member was made anew in the transaction with this version, and the group has not been looked at since; 0
-- for nothing to do.
ALTER TABLE membership ADD COLUMN rejoin BIGINT NOT NULL DEFAULT 0;
CREATE INDEX membership_rejoin ON membership (directory, grp) WHERE rejoin > 0;
