from __future__ import annotations

import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from producers.origins.push import PushFeeder, PushOptions, records_in
from producers.origins.spooled import SpooledOrigin
from schemas.errors import ConfigurationError
from tests.producers.origins.feeding import fed, records

TOKEN = "open-sesame"
OPTIONS = PushOptions("127.0.0.1", 0, SecretStr(TOKEN), 10_000)


class Sender:
    """Posts to a feeder."""

    def __init__(self, url: str) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        self.client = httpx.Client(base_url=url, headers=headers, trust_env=False)

    def post(self, body: bytes, headers: dict[str, str] | None = None) -> int:
        return self.client.post("/", content=body, headers=headers).status_code


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[SpooledOrigin, Sender]]:
    feeder = PushFeeder("shop", OPTIONS)
    with fed(tmp_path / "s", feeder, max_bytes=20_000) as origin:
        sender = Sender(f"http://127.0.0.1:{feeder.port}")
        with sender.client:
            yield origin, sender


def test_a_pushed_line_is_a_record(served: tuple[SpooledOrigin, Sender]) -> None:
    origin, sender = served
    assert sender.post(b'{"a":1}\n{"a":2}\n\n') == 200
    found = records(origin, 2)
    assert [record.data for record in found] == [b'{"a":1}', b'{"a":2}']
    assert found[0].place == "pushed by 127.0.0.1"


def test_one_document_is_one_record_pretty_or_not(served: tuple[SpooledOrigin, Sender]) -> None:
    origin, sender = served
    document = {"kind": "EventList", "items": [{"auditID": "1"}, {"auditID": "2"}]}
    for body in (json.dumps(document).encode(), json.dumps(document, indent=2).encode()):
        assert sender.post(body) == 200
        assert [json.loads(record.data) for record in records(origin, 1)] == [document]


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN, "Bearer \xe9"]
)
def test_a_wrong_token_is_refused(served: tuple[SpooledOrigin, Sender], header: str) -> None:
    origin, sender = served
    request = sender.client.build_request("POST", "/", content=b"x")
    request.headers = httpx.Headers(
        [(b"host", b"x"), (b"content-length", b"1"), (b"authorization", header.encode("latin-1"))]
    )
    response = sender.client.send(request)
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert origin.read(1, 0) == []


def test_too_long_a_body_is_refused_with_and_without_its_length(served: tuple[SpooledOrigin, Sender]) -> None:
    origin, sender = served
    assert sender.post(b"x" * 10_000) == 200
    assert sender.post(b"x" * 10_001) == 413
    assert sender.client.post("/", content=iter([b"x" * 6_000] * 2)).status_code == 413
    assert sender.client.post("/", content=iter([b"x" * 100_000] * 100)).status_code == 413
    assert sender.post(b"x" * 10_000_000) == 413
    assert len(records(origin, 1)) == 1
    assert origin.read(1, 0) == []


def test_a_compressed_body_is_refused(served: tuple[SpooledOrigin, Sender]) -> None:
    assert served[1].post(b"x", {"Content-Encoding": "gzip"}) == 415


def test_a_full_spool_says_so_and_takes_again_later(served: tuple[SpooledOrigin, Sender]) -> None:
    origin, sender = served
    assert sender.post(b"x" * 9_000) == 200
    assert sender.post(b"x" * 9_000) == 200
    refused = sender.client.post("/", content=b"x" * 9_000)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    origin.acknowledge(records(origin, 2)[-1].position)
    while sender.post(b"y" * 9_000) == 503:
        pass
    assert [record.data[:1] for record in records(origin, 1)] == [b"y"]


def test_a_disk_that_refuses_is_said(served: tuple[SpooledOrigin, Sender]) -> None:
    origin, sender = served
    origin._opened()._connection.execute("PRAGMA query_only = ON")
    assert sender.post(b"x") == 503
    origin._opened()._connection.execute("PRAGMA query_only = OFF")
    assert sender.post(b"x") == 200


def test_health_needs_no_token_and_other_paths_do_not_exist(served: tuple[SpooledOrigin, Sender]) -> None:
    client = served[1].client
    assert client.get("/healthz", headers={"Authorization": ""}).status_code == 200
    assert client.get("/").status_code == 405
    assert client.post("/other").status_code == 404


def test_a_sender_that_breaks_off_leaves_nothing(served: tuple[SpooledOrigin, Sender]) -> None:
    origin, sender = served
    head = f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 100\r\n\r\nhalf"
    with socket.create_connection((sender.client.base_url.host, sender.client.base_url.port or 0)) as connection:
        connection.sendall(head.encode())
    assert sender.post(b"whole") == 200
    assert [record.data for record in records(origin, 1)] == [b"whole"]


def test_an_address_in_use_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        options = PushOptions("127.0.0.1", taken.getsockname()[1], SecretStr(TOKEN), 10)
        with pytest.raises(ConfigurationError, match="--listen"), fed(tmp_path / "s", PushFeeder("shop", options)):
            pass


def test_a_certificate_that_is_missing_is_said(tmp_path: Path) -> None:
    options = PushOptions("127.0.0.1", 0, SecretStr(TOKEN), 10, tmp_path / "none.pem", tmp_path / "none.key")
    with (
        pytest.raises(ConfigurationError, match="push_certificate_file"),
        fed(tmp_path / "s", PushFeeder("shop", options)),
    ):
        pass


def test_it_speaks_tls(tmp_path: Path) -> None:
    certificate, key = tmp_path / "own.pem", tmp_path / "own.key"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run([*command.split(), "-out", certificate, "-keyout", key], check=True, capture_output=True)
    feeder = PushFeeder("shop", PushOptions("127.0.0.1", 0, SecretStr(TOKEN), 10, certificate, key))
    with fed(tmp_path / "s", feeder) as origin:
        trusted = ssl.create_default_context(cafile=str(certificate))
        with httpx.Client(verify=trusted, trust_env=False) as client:
            url = f"https://127.0.0.1:{feeder.port}/"
            assert client.post(url, content=b"x", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        assert len(records(origin, 1)) == 1


@given(st.lists(st.dictionaries(st.text(max_size=5), st.integers()), max_size=5))
def test_lines_of_json_are_as_many_records_as_lines(documents: list[dict[str, int]]) -> None:
    body = b"".join(json.dumps(document).encode() + b"\n" for document in documents)
    assert [json.loads(record) for record in records_in(body)] == documents


@given(st.binary(max_size=200))
def test_no_byte_but_line_ends_and_blanks_is_lost(body: bytes) -> None:
    assert b"".join(b"".join(records_in(body)).split()) == b"".join(body.split())
