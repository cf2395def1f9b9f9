-- One row: which embedding answers questions, and which one is being built beside it.
CREATE TABLE settings (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  active TEXT NOT NULL,
  building TEXT
);
INSERT INTO settings VALUES (1, 'e1', NULL);

-- The version of each document that may be cited, once for each embedding.
CREATE TABLE documents (
  embedding TEXT NOT NULL,
  tenant TEXT NOT NULL,
  key TEXT NOT NULL,
  version TEXT NOT NULL,
  audience TEXT NOT NULL,
  PRIMARY KEY (embedding, tenant, key)
) WITHOUT ROWID;

CREATE TABLE chunks (
  id TEXT PRIMARY KEY,
  embedding TEXT NOT NULL,
  tenant TEXT NOT NULL,
  key TEXT NOT NULL,
  version TEXT NOT NULL,
  text TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX chunks_of_document ON chunks (embedding, tenant, key);
