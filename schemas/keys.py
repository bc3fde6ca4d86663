"""Keys of people: Ed25519 (RFC 8032), the private one in a file of its owner, the public one enrolled in a policy.

A public key is written ``ed25519:`` and 32 bytes in base64. A private key file is PKCS #8 in PEM and readable by its owner alone.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from binascii import Error
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from schemas.errors import ConfigurationError

__all__ = ["check_key", "create_key", "load_key", "public_key_of", "sign", "verify"]

_PREFIX: Final = "ed25519:"
_OWNER_ALONE: Final = 0o600
_OTHERS: Final = 0o077


def check_key(text: str) -> str:
    """Check a public key as it stands in a policy."""
    try:
        _public_key(text)
    except (Error, ValueError) as error:
        raise ValueError(f"`{text[:64]}` is no public key; write what `tidewaiter keys new NAME` prints") from error
    return text


def create_key(path: Path) -> Ed25519PrivateKey:
    """Make a key and write it into a new file; raise ``ConfigurationError`` where there is one already."""
    key = Ed25519PrivateKey.generate()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ALONE)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}; remove the file, or name another one") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def load_key(path: Path) -> Ed25519PrivateKey:
    """Return the key of a file; raise ``ConfigurationError`` if there is none, or if others may read it."""
    try:
        others = path.stat().st_mode & _OTHERS
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}; `tidewaiter keys new NAME` makes a key") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(f"{path} is no private key; `tidewaiter keys new NAME` makes one") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"{path} is no Ed25519 key; `tidewaiter keys new NAME` makes one")
    if others:
        raise ConfigurationError(f"{path} may be read by others; run chmod 600 {path}")
    return key


def public_key_of(key: Ed25519PrivateKey) -> str:
    """Return the public key as it is enrolled."""
    return _PREFIX + b64encode(key.public_key().public_bytes_raw()).decode()


def sign(key: Ed25519PrivateKey, data: bytes) -> str:
    """Return the signature in base64."""
    return b64encode(key.sign(data)).decode()


def verify(public_key: str, signature: str, data: bytes) -> bool:
    """Return whether the holder of the key has signed these bytes."""
    try:
        _public_key(public_key).verify(b64decode(signature, validate=True), data)
    except (InvalidSignature, Error, ValueError):
        return False
    return True


def _public_key(text: str) -> Ed25519PublicKey:
    if not text.startswith(_PREFIX):
        raise ValueError("another kind of key")
    return Ed25519PublicKey.from_public_bytes(b64decode(text.removeprefix(_PREFIX), validate=True))
