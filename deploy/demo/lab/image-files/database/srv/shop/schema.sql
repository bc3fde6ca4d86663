CREATE TABLE products (id integer PRIMARY KEY, name text NOT NULL, price_cents integer NOT NULL);
CREATE TABLE orders (id serial PRIMARY KEY, product integer NOT NULL REFERENCES products);
INSERT INTO products VALUES (1, 'lamp', 4900), (2, 'rope', 1200), (3, 'sextant', 89000);
GRANT ALL ON ALL TABLES IN SCHEMA public TO shop;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO shop;
