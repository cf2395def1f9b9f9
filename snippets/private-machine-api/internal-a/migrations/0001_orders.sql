CREATE TABLE orders (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  reference TEXT NOT NULL,
  amount_cents INTEGER NOT NULL CHECK (amount_cents > 0),
  status TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'expired')),
  created_at INTEGER NOT NULL,
  UNIQUE (owner, reference)
) STRICT;

CREATE INDEX orders_by_owner ON orders (owner, seq);
CREATE INDEX open_orders ON orders (created_at) WHERE status = 'open';
