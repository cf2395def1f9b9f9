-- --8<-- [start:open]
-- How many open jobs an owner has is counted at each acceptance.
CREATE INDEX jobs_open ON jobs (owner) WHERE state IN ('queued', 'running');
-- --8<-- [end:open]
