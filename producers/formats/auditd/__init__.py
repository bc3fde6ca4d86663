"""Linux audit: raw or enriched lines of auditd, several records joined into one event.

Input (one event; 0x1d divides the enrichment off where ``log_format = ENRICHED``)::

    type=SYSCALL msg=audit(1795425279.750:163): arch=c000003e syscall=59 success=yes exit=0 … pid=16017 … exe="/tmp/x"
    type=EXECVE msg=audit(1795425279.750:163): argc=2 a0="/tmp/x" a1="id"
    type=CWD msg=audit(1795425279.750:163): cwd="/"
    type=PATH msg=audit(1795425279.750:163): item=0 name="/tmp/x" inode=827577 … nametype=NORMAL
    type=PROCTITLE msg=audit(1795425279.750:163): proctitle=2F746D702F78006964

Expected: one event, ``event.action: exec``, ``process.executable: /tmp/x``, ``process.args: [/tmp/x, id]``. Live, what is known only
now is written into the lines, so that a recording parses the same where the process is long gone: the container of the
process, the hash of an executed program, the workload that a connection is with (see ``marks``; for the last one
``tidewaiter collect auditd --file … --peers unix:///run/podman/podman.sock``).
"""

from producers.formats.auditd.format import AuditdFormat

__all__ = ["AuditdFormat"]
