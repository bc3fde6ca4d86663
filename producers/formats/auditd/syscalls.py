"""What the numbers of system calls mean, and what kind of activity each one is.

Numbers are those of the Linux kernel's tables (as ``ausyscall --dump`` prints them); those of x32 are among x86_64's.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from producers.formats.auditd.record import integer

__all__ = ["Call", "Kind", "call_of", "name_of"]

Kind = Literal["exec", "connect", "accept", "bind", "open", "file", "pair", "signal", "other"]
"""How an event is described: ``pair`` has a path and a target path (rename, link)."""


@dataclass(frozen=True, slots=True)
class Call:
    """One family of system calls: its action, ECS categories and types, and how files are accessed by it."""

    kind: Kind
    action: str
    category: str
    types: tuple[str, ...]
    access: tuple[str, ...] = ()


# One number a line would be 450 lines.
# fmt: off
_X86_64: Final = MappingProxyType({
    0: "read", 1: "write", 2: "open", 4: "stat", 6: "lstat", 21: "access", 33: "dup2", 41: "socket", 42: "connect",
    43: "accept", 44: "sendto", 46: "sendmsg", 49: "bind", 50: "listen", 56: "clone", 57: "fork", 58: "vfork",
    59: "execve", 62: "kill", 76: "truncate", 77: "ftruncate", 82: "rename", 83: "mkdir", 84: "rmdir", 85: "creat",
    86: "link", 87: "unlink", 88: "symlink", 89: "readlink", 90: "chmod", 91: "fchmod", 92: "chown", 93: "fchown",
    94: "lchown", 101: "ptrace", 105: "setuid", 106: "setgid", 113: "setreuid", 114: "setregid", 116: "setgroups",
    117: "setresuid", 119: "setresgid", 122: "setfsuid", 123: "setfsgid", 126: "capset", 132: "utime", 133: "mknod",
    135: "personality", 155: "pivot_root", 157: "prctl", 159: "adjtimex", 161: "chroot", 163: "acct",
    164: "settimeofday", 165: "mount", 166: "umount2", 167: "swapon", 168: "swapoff", 169: "reboot",
    170: "sethostname", 171: "setdomainname", 172: "iopl", 173: "ioperm", 175: "init_module", 176: "delete_module",
    179: "quotactl", 188: "setxattr", 189: "lsetxattr", 190: "fsetxattr", 197: "removexattr", 198: "lremovexattr",
    199: "fremovexattr", 200: "tkill", 227: "clock_settime", 234: "tgkill", 235: "utimes", 246: "kexec_load",
    248: "add_key", 249: "request_key", 250: "keyctl", 257: "openat", 258: "mkdirat", 259: "mknodat", 260: "fchownat",
    261: "futimesat", 262: "newfstatat", 263: "unlinkat", 264: "renameat", 265: "linkat", 266: "symlinkat",
    267: "readlinkat", 268: "fchmodat", 269: "faccessat", 272: "unshare", 280: "utimensat", 288: "accept4",
    292: "dup3", 298: "perf_event_open", 304: "open_by_handle_at", 307: "sendmmsg", 308: "setns",
    310: "process_vm_readv", 311: "process_vm_writev", 313: "finit_module", 316: "renameat2", 319: "memfd_create",
    320: "kexec_file_load", 321: "bpf", 322: "execveat", 323: "userfaultfd", 332: "statx", 424: "pidfd_send_signal",
    425: "io_uring_setup", 428: "open_tree", 429: "move_mount", 430: "fsopen", 431: "fsconfig", 432: "fsmount",
    435: "clone3", 437: "openat2", 438: "pidfd_getfd", 439: "faccessat2", 442: "mount_setattr", 452: "fchmodat2",
    518: "sendmsg", 520: "execve", 521: "ptrace", 528: "kexec_load", 538: "sendmmsg", 539: "process_vm_readv",
    540: "process_vm_writev", 545: "execveat",
})

_AARCH64: Final = MappingProxyType({
    5: "setxattr", 6: "lsetxattr", 7: "fsetxattr", 14: "removexattr", 15: "lremovexattr", 16: "fremovexattr",
    24: "dup3", 33: "mknodat", 34: "mkdirat", 35: "unlinkat", 36: "symlinkat", 37: "linkat", 38: "renameat",
    39: "umount2", 40: "mount", 41: "pivot_root", 45: "truncate", 46: "ftruncate", 48: "faccessat", 51: "chroot",
    52: "fchmod", 53: "fchmodat", 54: "fchownat", 55: "fchown", 56: "openat", 60: "quotactl", 63: "read", 64: "write",
    78: "readlinkat", 79: "newfstatat", 88: "utimensat", 89: "acct", 91: "capset", 92: "personality", 97: "unshare",
    104: "kexec_load", 105: "init_module", 106: "delete_module", 112: "clock_settime", 117: "ptrace", 129: "kill",
    130: "tkill", 131: "tgkill", 142: "reboot", 143: "setregid", 144: "setgid", 145: "setreuid", 146: "setuid",
    147: "setresuid", 149: "setresgid", 151: "setfsuid", 152: "setfsgid", 159: "setgroups", 161: "sethostname",
    162: "setdomainname", 167: "prctl", 170: "settimeofday", 171: "adjtimex", 198: "socket", 200: "bind",
    201: "listen", 202: "accept", 203: "connect", 206: "sendto", 211: "sendmsg", 217: "add_key", 218: "request_key",
    219: "keyctl", 220: "clone", 221: "execve", 224: "swapon", 225: "swapoff", 241: "perf_event_open", 242: "accept4",
    265: "open_by_handle_at", 268: "setns", 269: "sendmmsg", 270: "process_vm_readv", 271: "process_vm_writev",
    273: "finit_module", 276: "renameat2", 279: "memfd_create", 280: "bpf", 281: "execveat", 282: "userfaultfd",
    291: "statx", 294: "kexec_file_load", 424: "pidfd_send_signal", 425: "io_uring_setup", 428: "open_tree",
    429: "move_mount", 430: "fsopen", 431: "fsconfig", 432: "fsmount", 435: "clone3", 437: "openat2",
    438: "pidfd_getfd", 439: "faccessat2", 442: "mount_setattr", 452: "fchmodat2",
})

_I386: Final = MappingProxyType({
    2: "fork", 3: "read", 4: "write", 5: "open", 8: "creat", 9: "link", 10: "unlink", 11: "execve", 14: "mknod",
    15: "chmod", 16: "lchown", 21: "mount", 22: "umount", 23: "setuid", 25: "stime", 26: "ptrace", 30: "utime",
    33: "access", 37: "kill", 38: "rename", 39: "mkdir", 40: "rmdir", 46: "setgid", 51: "acct", 52: "umount2",
    61: "chroot", 63: "dup2", 70: "setreuid", 71: "setregid", 74: "sethostname", 79: "settimeofday", 81: "setgroups",
    83: "symlink", 85: "readlink", 87: "swapon", 88: "reboot", 92: "truncate", 93: "ftruncate", 94: "fchmod",
    95: "fchown", 101: "ioperm", 102: "socketcall", 106: "stat", 107: "lstat", 110: "iopl", 115: "swapoff",
    120: "clone", 121: "setdomainname", 124: "adjtimex", 128: "init_module", 129: "delete_module", 131: "quotactl",
    136: "personality", 138: "setfsuid", 139: "setfsgid", 164: "setresuid", 170: "setresgid", 172: "prctl",
    182: "chown", 185: "capset", 190: "vfork", 193: "truncate64", 194: "ftruncate64", 198: "lchown32",
    203: "setreuid32", 204: "setregid32", 206: "setgroups32", 207: "fchown32", 208: "setresuid32", 210: "setresgid32",
    212: "chown32", 213: "setuid32", 214: "setgid32", 217: "pivot_root", 226: "setxattr", 227: "lsetxattr",
    228: "fsetxattr", 235: "removexattr", 236: "lremovexattr", 237: "fremovexattr", 238: "tkill",
    264: "clock_settime", 270: "tgkill", 271: "utimes", 283: "kexec_load", 286: "add_key", 287: "request_key",
    288: "keyctl", 295: "openat", 296: "mkdirat", 297: "mknodat", 298: "fchownat", 299: "futimesat", 300: "fstatat64",
    301: "unlinkat", 302: "renameat", 303: "linkat", 304: "symlinkat", 305: "readlinkat", 306: "fchmodat",
    307: "faccessat", 310: "unshare", 320: "utimensat", 330: "dup3", 336: "perf_event_open", 342: "open_by_handle_at",
    345: "sendmmsg", 346: "setns", 347: "process_vm_readv", 348: "process_vm_writev", 350: "finit_module",
    353: "renameat2", 356: "memfd_create", 357: "bpf", 358: "execveat", 359: "socket", 361: "bind", 362: "connect",
    363: "listen", 364: "accept4", 369: "sendto", 370: "sendmsg", 374: "userfaultfd", 383: "statx",
    424: "pidfd_send_signal", 425: "io_uring_setup", 428: "open_tree", 429: "move_mount", 430: "fsopen",
    431: "fsconfig", 432: "fsmount", 435: "clone3", 437: "openat2", 438: "pidfd_getfd", 439: "faccessat2",
    442: "mount_setattr", 452: "fchmodat2",
})
# fmt: on

_TABLES: Final = MappingProxyType({"c000003e": _X86_64, "c00000b7": _AARCH64, "40000003": _I386})

_X32_BIT: Final = 0x4000_0000

_SOCKETCALLS: Final = MappingProxyType(
    {
        "1": "socket",
        "2": "bind",
        "3": "connect",
        "4": "listen",
        "5": "accept",
        "b": "sendto",
        "10": "sendmsg",
        "12": "accept4",
        "14": "sendmmsg",
    }
)

_EXEC: Final = Call("exec", "exec", "process", ("start",))
_CONNECT: Final = Call("connect", "connect", "network", ("connection", "start"))
_SEND: Final = Call("connect", "send", "network", ("connection", "info"))
_ACCEPT: Final = Call("accept", "accept", "network", ("connection", "start"))
_BIND: Final = Call("bind", "bind", "network", ("connection", "info"))
_OPEN: Final = Call("open", "open", "file", ("access",))
_DELETE: Final = Call("file", "delete", "file", ("deletion",), ("delete",))
_RENAME: Final = Call("pair", "rename", "file", ("change",), ("rename",))
_LINK: Final = Call("pair", "link", "file", ("creation",), ("create",))
_SYMLINK: Final = Call("pair", "symlink", "file", ("creation",), ("create",))
_MKDIR: Final = Call("file", "mkdir", "file", ("creation",), ("create",))
_MKNOD: Final = Call("file", "mknod", "file", ("creation",), ("create",))
_TRUNCATE: Final = Call("file", "truncate", "file", ("change",), ("write",))
_MODE: Final = Call("file", "change-mode", "file", ("change",), ("attributes",))
_OWNER: Final = Call("file", "change-owner", "file", ("change",), ("attributes",))
_ATTRIBUTES: Final = Call("file", "set-attributes", "file", ("change",), ("attributes",))
_KILL: Final = Call("signal", "kill", "process", ("change",))
_MODULE: Final = Call("other", "init_module", "driver", ("start",))

_FAMILIES: Final = (
    (_EXEC, "execve execveat"),
    (_CONNECT, "connect"),
    (_SEND, "sendto sendmsg sendmmsg"),
    (_ACCEPT, "accept accept4"),
    (_BIND, "bind"),
    (_OPEN, "open openat openat2 open_by_handle_at creat"),
    (_DELETE, "unlink unlinkat rmdir"),
    (_RENAME, "rename renameat renameat2"),
    (_LINK, "link linkat"),
    (_SYMLINK, "symlink symlinkat"),
    (_MKDIR, "mkdir mkdirat"),
    (_MKNOD, "mknod mknodat"),
    (_TRUNCATE, "truncate ftruncate truncate64 ftruncate64"),
    (_MODE, "chmod fchmod fchmodat fchmodat2"),
    (_OWNER, "chown lchown fchown fchownat chown32 lchown32 fchown32"),
    (
        _ATTRIBUTES,
        "setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr utime utimes futimesat utimensat",
    ),
    (_KILL, "kill tkill tgkill pidfd_send_signal"),
    (_MODULE, "init_module finit_module"),
)

_CALLS: Final = MappingProxyType({name: call for call, names in _FAMILIES for name in names.split()})

_FILE_NAMES: Final = frozenset(
    {"read", "write", "stat", "lstat", "newfstatat", "fstatat64", "statx", "access", "faccessat"}
)


def name_of(arch: str, number: str, first_argument: str = "") -> str | None:
    """Return the name of a system call, or None if the architecture or the number is not in our tables.

    ``arch`` and ``first_argument`` are hexadecimal, ``number`` decimal, as the kernel writes them.
    """
    table = _TABLES.get(arch.lower())
    value = integer(number)
    if table is None or value is None:
        return None
    name = table.get(value & ~_X32_BIT if table is _X86_64 else value)
    return _SOCKETCALLS.get(first_argument, name) if name == "socketcall" else name


def call_of(name: str) -> Call:
    """Return the family of a system call; one without a family acts under its own name."""
    known = _CALLS.get(name)
    if known is not None:
        return known
    category = "file" if name in _FILE_NAMES else "process"
    return Call("other", name, category, ("info",))
