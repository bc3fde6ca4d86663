"""A real Kubernetes API server on Debian's etcd: built once from Go modules, then up in seconds.

There is no scheduler, no controller and no kubelet: their part is played in ``cluster_story.py`` by accounts of their
names, with the rights that Kubernetes gives to them.
"""

from __future__ import annotations

import shutil
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any

import httpx

from deploy.demo.lab.errors import LabError
from deploy.demo.lab.processes import inherited_environment, must_live, run, running

LAB = Path(__file__).parent
VERSION = "v1.31.4"
BUILD = Path.home() / ".cache" / "tidewaiter" / f"kube-apiserver-{VERSION}"
START_SECONDS = 90
# The peer of every request is the loopback address; a load balancer's header tells where it came from, as in production.
PEER_HEADER = "X-Forwarded-For"


@dataclass(frozen=True, slots=True)
class Account:
    """Who calls the API server: with which token, from which address, with which program."""

    token: str
    address: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class ApiServer:
    """The running server and its audit log."""

    url: str
    certificate: Path
    key: Path
    audit_log: Path

    def call(self, account: Account, method: str, path: str, body: Any = None, kind: str = "") -> httpx.Response:
        """Send one request and return its answer, whatever it is; ``kind`` is the patch's (``merge``, ``apply``)."""
        content_type = (
            f"application/{kind}-patch+{'yaml' if kind == 'apply' else 'json'}" if kind else "application/json"
        )
        headers = {
            "Authorization": f"Bearer {account.token}",
            "User-Agent": account.user_agent,
            PEER_HEADER: account.address,
            "Content-Type": content_type,
        }
        with httpx.Client(base_url=self.url, verify=self._trust(), trust_env=False, timeout=30) as client:
            return client.request(method, path, headers=headers, json=body)

    def exec(self, account: Account, path: str) -> int:
        """Ask for an exec as kubectl does and return the status code; the connection ends with the answer."""
        headers = {
            "Authorization": f"Bearer {account.token}",
            "User-Agent": account.user_agent,
            PEER_HEADER: account.address,
            "Connection": "Upgrade",
            "Upgrade": "SPDY/3.1",
            "X-Stream-Protocol-Version": "v4.channel.k8s.io",
        }
        with httpx.Client(base_url=self.url, verify=self._trust(), trust_env=False, timeout=30) as client:
            return client.post(path, headers=headers).status_code

    def _trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.check_hostname = False  # the certificate is the one that the server has just made for itself
        return context


def build_api_server() -> Path:
    """Return the path of the server's program; the first time it is built, which takes about 5 minutes."""
    program = BUILD / "kube-apiserver"
    if program.exists():
        return program
    BUILD.mkdir(parents=True, exist_ok=True)
    for file in ("go.mod", "tools.go"):
        shutil.copy(LAB / "kube-apiserver" / file, BUILD)
    environment = inherited_environment() | {"GOSUMDB": "off", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
    run(["go", "mod", "tidy", "-e"], environment=environment, folder=BUILD)
    partial = BUILD / "kube-apiserver.partial"
    package = "k8s.io/kubernetes/cmd/kube-apiserver"
    build = ["nice", "-n", "10", "go", "build", "-p", "2", "-o", str(partial), package]
    run(build, environment=environment, folder=BUILD)
    return partial.rename(program)


@contextmanager
def api_server_running(program: Path, folder: Path, tokens: str) -> Iterator[ApiServer]:
    """Keep etcd and the API server running in ``folder``; ``tokens`` are lines ``token,user,uid,"group,…"``."""
    folder.mkdir()
    (folder / "tokens.csv").write_text(tokens)
    run(["openssl", "genrsa", "-out", str(folder / "service-accounts.key"), "2048"])
    client, peer, secure = free_ports(3)
    etcd = ["etcd", "--data-dir", str(folder / "etcd"), "--log-level", "error", "--unsafe-no-fsync"]
    for option, port in (("client", client), ("peer", peer)):
        etcd += [f"--listen-{option}-urls", f"http://127.0.0.1:{port}"]
    etcd += ["--advertise-client-urls", f"http://127.0.0.1:{client}"]
    with ExitStack() as stack:
        stack.enter_context(running(etcd, log=folder / "etcd.log"))
        server = [str(program), *_options(folder, client, secure)]
        log = folder / "kube-apiserver.log"
        process = stack.enter_context(running(server, log=log))
        certificates = folder / "certificates"
        yield _ready(
            ApiServer(
                url=f"https://127.0.0.1:{secure}",
                certificate=certificates / "apiserver.crt",
                key=certificates / "apiserver.key",
                audit_log=folder / "audit.log",
            ),
            process,
            log,
        )


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback address that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [taken.getsockname()[1] for taken in sockets]


def _options(folder: Path, etcd_port: int, port: int) -> list[str]:
    key = folder / "service-accounts.key"
    options = {
        "etcd-servers": f"http://127.0.0.1:{etcd_port}",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": key,
        "service-account-signing-key-file": key,
        "service-cluster-ip-range": "10.0.0.0/24",
        "token-auth-file": folder / "tokens.csv",
        "authorization-mode": "RBAC",
        "secure-port": port,
        "bind-address": "127.0.0.1",
        "cert-dir": folder / "certificates",
        "audit-policy-file": LAB / "audit-policy.yaml",
        "audit-log-path": folder / "audit.log",
        "disable-admission-plugins": "ServiceAccount",
        "allow-privileged": "true",
    }
    return [f"--{name}={value}" for name, value in options.items()]


def _ready(server: ApiServer, process: Popen[bytes], log: Path) -> ApiServer:
    """Wait until the server's own roles and priority classes are there, which is a second after it listens."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        must_live(process, log)
        try:
            if httpx.get(f"{server.url}/readyz", verify=False, trust_env=False).status_code == httpx.codes.OK:  # noqa: S501  it is this machine's, and only asked whether it is up
                return server
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise LabError(f"the API server is not ready after {START_SECONDS} s: see {log}")
