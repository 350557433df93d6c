-- One transaction at a time chooses what is sent to a model's queue: before take.sql, and before all other locks.
-- :model text the model.
SELECT pg_advisory_xact_lock(hashtextextended('dispatch:' || :model, 0));
