from __future__ import annotations

import os
import socket

from deploy.stack.ports import accepts_connections, find_free_port, is_port_free, name_port_owner


def test_a_free_port_can_be_listened_on() -> None:
    port = find_free_port()
    assert is_port_free(port)
    assert not accepts_connections(port)
    assert name_port_owner(port) is None


def test_a_port_that_somebody_listens_on_is_seen_and_its_owner_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_port_free(port)
        assert accepts_connections(port)
        owner = name_port_owner(port)
    assert owner is not None
    assert owner.endswith(f"(pid {os.getpid()})")


def test_a_listener_on_every_address_takes_the_port_too() -> None:
    with socket.create_server(("", 0)) as server:
        assert not is_port_free(server.getsockname()[1])
