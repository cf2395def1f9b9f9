-- --8<-- [start:schema]
CREATE TABLE tenants (
  id TEXT PRIMARY KEY,
  plan TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended')),
  allow TEXT NOT NULL DEFAULT '[]', -- JSON: the hosts that its code may call
  token_sha256 TEXT NOT NULL,
  database_id TEXT NOT NULL UNIQUE, -- one tenant's only
  live_version INTEGER,
  deploying_until INTEGER NOT NULL DEFAULT 0 -- Unix seconds; one deploy at a time
) STRICT;

CREATE TABLE versions (
  tenant TEXT NOT NULL REFERENCES tenants (id),
  number INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'stored' CHECK (state IN ('stored', 'refused')),
  PRIMARY KEY (tenant, number)
) STRICT, WITHOUT ROWID;

-- Several tenants may claim a name, but only one can prove and have it.
CREATE TABLE hostnames (
  host TEXT NOT NULL,
  tenant TEXT NOT NULL REFERENCES tenants (id),
  proof TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'active', 'leaving')),
  PRIMARY KEY (host, tenant)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX hostnames_owned ON hostnames (host) WHERE state <> 'pending';
CREATE INDEX hostnames_of_tenant ON hostnames (tenant);
-- --8<-- [end:schema]
