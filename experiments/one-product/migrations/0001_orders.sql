CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT NOT NULL, open INTEGER NOT NULL) STRICT;
CREATE INDEX orders_by_customer ON orders (customer, open);
