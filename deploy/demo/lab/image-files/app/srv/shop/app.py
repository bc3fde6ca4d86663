"""The shop's application: products from the database through the cache, orders into the database."""

import gzip
import json
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import redis
from connections import PASSWORD_FILE, cache, database
from invoices import invoice_text

INVOICES = Path("/var/lib/shop/invoices")
PASSWORD = PASSWORD_FILE.read_text(encoding="ascii")
PRODUCTS = range(1, 25)


def kept(name: str, read) -> bytes:
    """Return what the cache keeps under a name, else what ``read`` gives, which it then keeps for a while."""
    try:
        if found := cache().get(name):
            return found
        found = read()
        cache().set(name, found, ex=15)
    except redis.RedisError:
        return read()
    return found


def read_products() -> bytes:
    with database(PASSWORD) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id, name, price_cents FROM products ORDER BY id")
        return json.dumps(cursor.fetchall()).encode()


def read_product(product: int) -> bytes:
    with database(PASSWORD) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id, name, price_cents FROM products WHERE id = %s", (product,))
        return json.dumps(cursor.fetchone()).encode()


def order(product: int) -> bytes:
    with database(PASSWORD) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO orders (product) VALUES (%s) RETURNING id", (product,))
        number = cursor.fetchone()[0]
    invoice(number, product)
    return json.dumps({"order": number}).encode()


def invoice(number: int, product: int) -> None:
    """Write an invoice and, for every tenth, let gzip check it: a program that the shop starts itself."""
    path = INVOICES / f"{number}.txt.gz"
    path.write_bytes(gzip.compress(invoice_text(number, product).encode()))
    if number % 10 == 0:
        subprocess.run(["/usr/bin/gzip", "--test", str(path)], check=True)


PAGES = {"/health": lambda: b"{}", "/products": lambda: kept("products", read_products)} | {
    f"/products/{product}": lambda product=product: kept(f"product {product}", lambda: read_product(product))
    for product in PRODUCTS
}
FORMS = {f"/orders/{product}": lambda product=product: order(product) for product in PRODUCTS}


class Shop(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.answer(PAGES)

    def do_POST(self) -> None:
        self.answer(FORMS)

    def answer(self, routes) -> None:
        route = routes.get(self.path)
        body = route() if route else b'{"error": "not found"}'
        self.send_response(200 if route else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet: the web server has the log."""


ThreadingHTTPServer(("", 8000), Shop).serve_forever()
