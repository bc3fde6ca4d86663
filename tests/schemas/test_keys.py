from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256K1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ConfigurationError
from schemas.keys import check_key, create_key, load_key, public_key_of, sign, verify

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))

CURVE_OF_THIS_LIBRARY, ANOTHER_CURVE = bytes.fromhex("2b8104000a"), bytes.fromhex("2b81040020")


@given(st.binary(max_size=100))
def test_what_the_holder_of_a_key_has_signed_is_verified(data: bytes) -> None:
    assert verify(public_key_of(KEY), sign(KEY, data), data)


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_a_signature_holds_for_its_bytes_and_its_key_alone(data: bytes, other: bytes) -> None:
    assert verify(public_key_of(KEY), sign(KEY, data), other) == (data == other)
    assert not verify(public_key_of(OTHER), sign(KEY, data), data)


@given(st.text() | st.binary(max_size=80).map(lambda data: b64encode(data).decode()))
def test_what_is_no_signature_or_no_key_verifies_nothing(text: str) -> None:
    assert not verify(public_key_of(KEY), text, b"data")
    assert not verify(text, sign(KEY, b"data"), b"data")
    assert not verify(f"ed25519:{text}", sign(KEY, b"data"), b"data")


def test_a_public_key_is_checked_as_it_is_written() -> None:
    assert check_key(public_key_of(KEY)) == public_key_of(KEY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ed25519:",
        "ed25519:AAAA",
        "ed25519:é",
        public_key_of(KEY).removeprefix("ed25519:"),
        public_key_of(KEY).replace("ed25519:", "rsa:"),
        f"{public_key_of(KEY)}=",
        f"ed25519:{b64encode(bytes(31)).decode()}",
    ],
)
def test_what_is_no_public_key_is_refused_with_what_makes_one(text: str) -> None:
    with pytest.raises(ValueError, match="`tidewaiter keys new NAME`"):
        check_key(text)


def test_a_key_is_readable_by_its_owner_alone_and_the_same_when_it_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "ada.pem"
    key = create_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert public_key_of(load_key(path)) == public_key_of(key)


def test_no_file_is_overwritten_by_a_key(tmp_path: Path) -> None:
    path = tmp_path / "ada.pem"
    key = create_key(path)
    with pytest.raises(ConfigurationError, match=r"ada\.pem: .*remove the file"):
        create_key(path)
    assert public_key_of(load_key(path)) == public_key_of(key)


def test_a_key_below_what_is_no_folder_is_not_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"ada\.pem: "):
        create_key(tmp_path / "file" / "ada.pem")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_may_read_is_not_used(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "ada.pem"
    create_key(path)
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match=r"run chmod 600 .*ada\.pem"):
        load_key(path)


def pem(key: object, secret: bytes | None = None) -> bytes:
    encryption = BestAvailableEncryption(secret) if secret else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)  # type: ignore[attr-defined, no-any-return]  # any private key


def pem_of_another_curve() -> bytes:
    key = generate_private_key(SECP256K1()).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    content = b64encode(key.replace(CURVE_OF_THIS_LIBRARY, ANOTHER_CURVE))
    return b"-----BEGIN PRIVATE KEY-----\n" + content + b"\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no private key"),
        (b"\xff\x00", "is no private key"),
        (pem(KEY, b"secret"), "is no private key"),
        (pem_of_another_curve(), "is no private key"),
        (pem(generate_private_key(SECP256K1())), "is no Ed25519 key"),
    ],
)
def test_what_is_no_key_of_ours_is_named_with_what_makes_one(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "ada.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match=rf"ada\.pem {said}; `tidewaiter keys new NAME`"):
        load_key(path)


def test_a_key_that_is_not_there_is_named_with_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"ada\.pem: No such file.*`tidewaiter keys new NAME`"):
        load_key(tmp_path / "ada.pem")
