-- --8<-- [start:jobs]
CREATE TABLE jobs (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  key TEXT NOT NULL, -- the caller's Idempotency-Key
  kind TEXT NOT NULL CHECK (kind IN ('mail', 'onboarding')),
  payload TEXT NOT NULL,
  request TEXT NOT NULL, -- who asked, for the logs of all that follows
  state TEXT NOT NULL DEFAULT 'queued'
    CHECK (state IN ('queued', 'running', 'done', 'dead')),
  step TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  error TEXT,
  lease_until INTEGER NOT NULL DEFAULT 0, -- times are milliseconds since 1970
  send_at INTEGER NOT NULL, -- from then on the sweep sends it, or sends it again
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (owner, key)
) STRICT;

CREATE INDEX jobs_to_send ON jobs (send_at) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_dead ON jobs (updated_at) WHERE state = 'dead';
CREATE INDEX jobs_done ON jobs (updated_at) WHERE state = 'done';

CREATE TABLE dead_letters (
  message TEXT PRIMARY KEY,
  job TEXT, -- NULL: no job could be read from the message
  body TEXT NOT NULL,
  reason TEXT NOT NULL,
  died_at INTEGER NOT NULL,
  closed_at INTEGER -- redriven or dismissed
) STRICT;

-- One open letter for a job, however often its message comes.
CREATE UNIQUE INDEX dead_letters_open ON dead_letters (job) WHERE closed_at IS NULL;
-- --8<-- [end:jobs]
