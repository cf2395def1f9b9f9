-- --8<-- [start:messages]
-- The id comes from the form's token: one form is one row at most.
CREATE TABLE messages (
  id TEXT PRIMARY KEY,
  received_at TEXT NOT NULL,
  name TEXT NOT NULL CHECK (length(name) <= 100),
  email TEXT NOT NULL CHECK (length(email) <= 254),
  message TEXT NOT NULL CHECK (length(message) <= 2000)
) WITHOUT ROWID;
-- --8<-- [end:messages]
