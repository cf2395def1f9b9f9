-- Two tables that differ in one line, each with 10,000 rows.
CREATE TABLE scanned (id INTEGER PRIMARY KEY, email TEXT NOT NULL) STRICT;
CREATE TABLE indexed (id INTEGER PRIMARY KEY, email TEXT NOT NULL) STRICT;
-- --8<-- [start:right]
CREATE INDEX accounts_by_email ON indexed (email);
-- --8<-- [end:right]
INSERT INTO scanned (email)
  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
  SELECT 'user-' || i || '@example.com' FROM n;
INSERT INTO indexed (email) SELECT email FROM scanned;
