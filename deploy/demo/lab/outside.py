"""The attacker's server: an address that nobody has ever seen, on our own bridge, so that nothing leaves the machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from deploy.demo.lab.processes import run

ADDRESS = "203.0.113.9"
PORT = 443


@contextmanager
def outside_reachable(bridge: str, program: Path) -> Iterator[None]:
    """Serve ``program`` to whoever asks on the address, which goes away with the bridge at the latest."""
    content = program.read_bytes()

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  the name is the base class's
            """Say nothing."""

    run(["ip", "address", "add", f"{ADDRESS}/32", "dev", bridge])
    server = ThreadingHTTPServer((ADDRESS, PORT), Server)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        run(["ip", "address", "delete", f"{ADDRESS}/32", "dev", bridge])
