-- Who has allowed what a guard held last; empty for nobody.
ALTER TABLE delivery ADD COLUMN approver TEXT NOT NULL DEFAULT '';

-- What ends when its object is as it should be is found by the object.
CREATE INDEX delivery_parked ON delivery (directory, kind, object) WHERE state IN ('held', 'failed');
@statistics@
