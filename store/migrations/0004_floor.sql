-- The stamp of the last deletion: what is older says nothing about an object, also when it is back. For one that is gone it is
-- known; for one that was back before this version nobody remembers it.
ALTER TABLE object ADD COLUMN floor BIGINT NOT NULL DEFAULT 0;
ALTER TABLE object ADD COLUMN floor_update BIGINT NOT NULL DEFAULT 0;
UPDATE object SET floor = said, floor_update = said_update WHERE NOT present;
