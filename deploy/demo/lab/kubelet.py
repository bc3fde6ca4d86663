"""Just enough of a kubelet for the API server to hand an exec to: it agrees to the upgrade and hangs up.

So the audit log has what a real cluster's has: ``pods/exec``, stage ResponseStarted, code 101. Nothing is executed.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread


class _Kubelet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a request for logs with a line of them."""
        body = b"order 17: done\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """Agree to the upgrade that an exec asks for."""
        self.send_response(101)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", self.headers.get("Upgrade", "SPDY/3.1"))
        self.end_headers()
        self.close_connection = True

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  the name is the base class's
        """Say nothing: the audit log has it."""


@contextmanager
def kubelet_running(certificate: Path, key: Path) -> Iterator[int]:
    """Keep the kubelet running on a free port of the loopback address and yield the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Kubelet)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
