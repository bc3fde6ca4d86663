CREATE TABLE products (id integer PRIMARY KEY, name text NOT NULL, price_cents integer NOT NULL);
CREATE TABLE orders (id serial PRIMARY KEY, product integer NOT NULL REFERENCES products);
INSERT INTO products SELECT number, (ARRAY['lamp', 'rope', 'sextant'])[number % 3 + 1] || ' ' || number, number * 700
FROM generate_series(1, 24) AS number;
GRANT ALL ON ALL TABLES IN SCHEMA public TO shop;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO shop;
