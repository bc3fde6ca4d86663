"""What a request to Vault is about: a secret and what is done to it, or anything else.

Version 2 of the key-value store has a word between mount and path: ``secret/data/app/db`` is the content of ``secret/app/db``,
``secret/metadata/app/db`` what is known of it. The log does not tell the version of a mount, so a folder of a version 1 store
that has one of these names is taken for that word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from producers.formats.values import object_of, text_of
from schemas.codec import Event

__all__ = ["Target", "target_of"]

_KEY_VALUE: Final = frozenset({"kv", "generic"})
_CREDENTIALS: Final = frozenset(
    {
        *("ad", "alicloud", "aws", "azure", "consul", "cubbyhole", "database", "gcp", "kubernetes", "ldap"),
        *("mongodbatlas", "nomad", "openldap", "pki", "rabbitmq", "ssh", "terraform"),
    }
)
"""Kinds of mounts whose paths give out secrets that are made for who asks."""

_LOGIN_MOUNTS: Final = "auth/"
_VERBS: Final = MappingProxyType(
    {"read": "read", "list": "list", "create": "write", "update": "write", "patch": "write", "delete": "delete"}
)
_WORDS: Final[MappingProxyType[str, MappingProxyType[str, str]]] = MappingProxyType(
    {
        "data": _VERBS,
        "metadata": MappingProxyType(
            dict(_VERBS) | {"read": "metadata-read"} | dict.fromkeys(("create", "update", "patch"), "metadata-write")
        ),
        "subkeys": MappingProxyType(dict(_VERBS) | {"read": "metadata-read"}),
        "delete": MappingProxyType(dict.fromkeys(("create", "update"), "delete")),
        "destroy": MappingProxyType(dict.fromkeys(("create", "update"), "delete")),
        "undelete": MappingProxyType(dict.fromkeys(("create", "update"), "undelete")),
    }
)
"""By the word behind the mount of a version 2 store, what each operation does to the secret."""

_TOKEN: Final = re.compile(r"(?<![\w-])(?:hv[bsr]|[bsr])\.[\w-]{20,}")


@dataclass(frozen=True, slots=True)
class Target:
    """``path`` has mount and namespace; ``secret`` is the path of a secret, and ``verb`` what is done to one of the key-value store.

    ``word`` is that of a version 2 store, empty for others.
    """

    path: str
    operation: str
    secret: str | None = None
    verb: str | None = None
    word: str = ""

    @property
    def action(self) -> str:
        """Return ``secret-read``, ``secret-write`` … of the key-value store, else ``vault-OPERATION``."""
        return f"secret-{self.verb}" if self.verb else f"vault-{self.operation}"


def target_of(request: Event) -> Target | None:
    """Return what a request is about; None if it names no operation or no path."""
    operation, asked = text_of(request.get("operation")), text_of(request.get("path"))
    if operation is None or asked is None:
        return None
    namespace = text_of(object_of(request.get("namespace")).get("path")) or ""
    path, kind = _TOKEN.sub("token", asked), text_of(request.get("mount_type"))
    mount = text_of(request.get("mount_point")) or f"{path.partition('/')[0]}/"
    if kind in _KEY_VALUE:
        return _of_store(namespace, mount, path, operation)
    is_secret = kind in _CREDENTIALS and not path.startswith(_LOGIN_MOUNTS)
    return Target(namespace + path, operation, secret=namespace + path if is_secret else None)


def _of_store(namespace: str, mount: str, path: str, operation: str) -> Target:
    below = path.removeprefix(mount)
    word, slash, rest = below.partition("/")
    verbs = _WORDS.get(word) if slash or word in _WORDS else None
    secret = namespace + mount + (below if verbs is None else rest)
    verb = (_VERBS if verbs is None else verbs).get(operation)
    return Target(namespace + path, operation, secret, verb, "" if verbs is None else word)
