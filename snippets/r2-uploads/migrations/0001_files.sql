-- --8<-- [start:table]
CREATE TABLE files (
  id         TEXT PRIMARY KEY,
  owner      TEXT NOT NULL,
  key        TEXT NOT NULL UNIQUE,
  name       TEXT NOT NULL,
  type       TEXT NOT NULL,
  size       INTEGER NOT NULL CHECK (size > 0),
  state      TEXT NOT NULL DEFAULT 'pending'
             CHECK (state IN ('pending', 'ready', 'refused', 'expired', 'deleted')),
  reason     TEXT,                        -- why it was refused
  etag       TEXT,                        -- of the bytes that were checked
  created_at INTEGER NOT NULL,            -- all times in milliseconds
  deadline   INTEGER NOT NULL,            -- after this, nothing will come any more
  url_until  INTEGER NOT NULL,            -- after this, nothing will come by its URL
  checked_at INTEGER NOT NULL DEFAULT 0,  -- when the sweep last looked
  cleared    INTEGER NOT NULL DEFAULT 0   -- 1: its object is gone for good
) STRICT;

CREATE INDEX files_of_owner ON files (owner, created_at DESC);
CREATE INDEX files_used ON files (owner, size) WHERE state IN ('pending', 'ready');
CREATE INDEX files_open ON files (owner, url_until, size)
  WHERE state IN ('refused', 'deleted');
CREATE INDEX files_pending ON files (checked_at) WHERE state = 'pending';
CREATE INDEX files_to_clear ON files (checked_at)
  WHERE cleared = 0 AND state IN ('refused', 'expired', 'deleted');
CREATE INDEX files_to_forget ON files (deadline)
  WHERE cleared = 1 AND state IN ('refused', 'expired', 'deleted');
-- --8<-- [end:table]
