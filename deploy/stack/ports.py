"""Ports of this machine: free ones, and who has the others."""

from __future__ import annotations

import secrets
import socket

import psutil

__all__ = ["LOOPBACK", "accepts_connections", "find_free_port", "is_port_free", "name_port_owner"]

LOOPBACK = "127.0.0.1"
CONNECT_TIMEOUT_SECONDS = 1.0
# Below the ports that systems give to outgoing connections, one of which could take ours before the server does.
CANDIDATES = range(20_000, 32_000)


def find_free_port() -> int:
    """Return a random port that nobody listens on; another process may take it before the caller does."""
    while not is_port_free(port := secrets.choice(CANDIDATES)):
        pass
    return port


def is_port_free(port: int) -> bool:
    """Say whether a server could listen on the port now; connections that are still closing do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def accepts_connections(port: int) -> bool:
    """Say whether somebody listens on the port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=CONNECT_TIMEOUT_SECONDS):
            return True
    except OSError:
        return False


def name_port_owner(port: int) -> str | None:
    """Return ``name (pid N)`` of who listens on the port, None where the system does not tell us."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
            if listens and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        return None
    return None
