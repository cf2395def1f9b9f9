CREATE TABLE accounts (
  name TEXT PRIMARY KEY,
  cents INTEGER NOT NULL CHECK (cents BETWEEN 0 AND 50000) -- no account may hold more
) STRICT;
INSERT INTO accounts VALUES ('ana', 40000), ('ben', 10000), ('full', 50000);
