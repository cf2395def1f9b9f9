-- What the Worker adds to the database: a role of its own, and one table.
-- --8<-- [start:role]
CREATE ROLE shop_api LOGIN PASSWORD :'password';
GRANT SELECT ON products TO shop_api;
GRANT SELECT, UPDATE ON stock TO shop_api;
GRANT SELECT, INSERT ON orders, order_items TO shop_api;

-- Limits of the role hold in every pooled connection and cost no round trip.
ALTER ROLE shop_api SET statement_timeout = '2s';
-- Longer than deadlock_timeout (1 s), so that a deadlock is called by its name.
ALTER ROLE shop_api SET lock_timeout = '1500ms';
ALTER ROLE shop_api SET idle_in_transaction_session_timeout = '3s';
-- --8<-- [end:role]

-- --8<-- [start:requests]
CREATE TABLE order_requests (
  key text PRIMARY KEY,
  fingerprint text NOT NULL,
  order_id uuid NOT NULL REFERENCES orders DEFERRABLE INITIALLY DEFERRED,
  created_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT ON order_requests TO shop_api;
-- --8<-- [end:requests]
