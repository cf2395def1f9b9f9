-- The shop that already exists. The Worker did not make it and does not own it.
CREATE TABLE products (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sku text NOT NULL UNIQUE,
  name text NOT NULL,
  price_cents integer NOT NULL CHECK (price_cents BETWEEN 0 AND 1000000)
);

CREATE TABLE stock (
  product_id bigint PRIMARY KEY REFERENCES products,
  on_hand integer NOT NULL CHECK (on_hand >= 0)
);

CREATE TABLE orders (
  id uuid PRIMARY KEY,
  customer text NOT NULL,
  total_cents integer NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE order_items (
  order_id uuid NOT NULL REFERENCES orders,
  product_id bigint NOT NULL REFERENCES products,
  quantity integer NOT NULL CHECK (quantity > 0),
  price_cents integer NOT NULL,
  PRIMARY KEY (order_id, product_id)
);

INSERT INTO products (sku, name, price_cents) VALUES
  ('BELL-01', 'Brass bell', 1900),
  ('LAMP-01', 'Front lamp', 3500),
  ('LAMP-02', 'Rear lamp', 2900),
  ('LOCK-01', 'Chain lock', 5900),
  ('PUMP-01', 'Hand pump', 2400);

INSERT INTO stock (product_id, on_hand) SELECT id, 10 FROM products;
