"""The shop's application: products from the database through the cache, orders into the database."""

import gzip
import json
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import redis
from connections import PASSWORD_FILE, cache, database

INVOICES = Path("/var/lib/shop/invoices")
PASSWORD = PASSWORD_FILE.read_text(encoding="ascii")


def products() -> bytes:
    try:
        if kept := cache().get("products"):
            return kept
    except redis.RedisError:
        return read_products()
    found = read_products()
    cache().set("products", found, ex=15)
    return found


def read_products() -> bytes:
    with database(PASSWORD) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id, name, price_cents FROM products ORDER BY id")
        return json.dumps(cursor.fetchall()).encode()


def order(product: int) -> bytes:
    with database(PASSWORD) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO orders (product) VALUES (%s) RETURNING id", (product,))
        number = cursor.fetchone()[0]
    invoice(number, product)
    return json.dumps({"order": number}).encode()


def invoice(number: int, product: int) -> None:
    """Write an invoice and, for every tenth, let gzip check it: a program that the shop starts itself."""
    path = INVOICES / f"{number}.txt.gz"
    path.write_bytes(gzip.compress(f"order {number}: product {product}\n".encode()))
    if number % 10 == 0:
        subprocess.run(["/usr/bin/gzip", "--test", str(path)], check=True)


class Shop(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.answer({"/health": lambda: b"{}", "/products": products})

    def do_POST(self) -> None:
        self.answer({f"/orders/{product}": lambda product=product: order(product) for product in range(1, 4)})

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
