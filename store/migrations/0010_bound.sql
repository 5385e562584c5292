-- What ties the link and the DN of a row to its object: a keyed digest, so that a row that was moved by other means is noticed. The
-- program fills it in for the rows that are there.
ALTER TABLE object ADD COLUMN bound @bytes@;
@statistics@
