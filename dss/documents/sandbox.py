"""What the child that reads foreign PDFs does to itself, before it reads one.

On Linux it keeps only the system calls for memory, time and the descriptors that are open: it can open no file or
socket, start no program or thread, and touch no other process. On macOS only the resource limits hold, and the system
does not enforce the one on memory; run such a server for trials.
"""

import mmap
import os
import pwd
import resource
import sys
import time

if sys.platform == "linux":
    import pyseccomp

UNPRIVILEGED = "nobody"
ALLOWED = (
    *("read", "write", "close"),
    *("munmap", "mremap", "madvise", "brk"),
    *("epoll_wait", "epoll_pwait", "epoll_ctl"),
    *("clock_gettime", "gettimeofday", "getrandom", "getpid", "futex"),
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall"),
    *("exit", "exit_group"),
)


def close_inherited() -> None:
    """Close all but the three standard descriptors: not every event loop that starts a child does it."""
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))


def lock_down(memory: int) -> None:
    """Give up everything that reading a PDF does not need; there is no way back.

    memory: the greatest address space, in bytes.
    Raises OSError or ValueError where the system does not grant it: then nothing may be read.
    """
    _drop_root()
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NPROC, 0)
    if sys.platform == "linux":
        _limit(resource.RLIMIT_NOFILE, 0)
        _limit(resource.RLIMIT_AS, memory)
        _refuse_system_calls()


def allow_cpu(seconds: int) -> None:
    """Allow this much more processor time; past it the system ends the process with SIGXCPU."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + 1 + seconds, hard))


def _drop_root() -> None:
    if os.geteuid() == 0:
        nobody = pwd.getpwnam(UNPRIVILEGED)
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)


def _limit(what: int, value: int) -> None:
    resource.setrlimit(what, (value, value))


def _refuse_system_calls() -> None:
    """Refuse with EACCES all but ALLOWED; libseccomp sets PR_SET_NO_NEW_PRIVS as well (seccomp(2))."""
    rules = pyseccomp.SyscallFilter(pyseccomp.ERRNO(13))
    for name in ALLOWED:
        rules.add_rule(pyseccomp.ALLOW, name)
    not_executable = pyseccomp.Arg(2, pyseccomp.MASKED_EQ, mmap.PROT_EXEC, 0)
    rules.add_rule(pyseccomp.ALLOW, "mmap", not_executable)
    rules.add_rule(pyseccomp.ALLOW, "mprotect", not_executable)
    # `allow_cpu` asks for and sets this one limit, of this process.
    own_cpu = (pyseccomp.Arg(0, pyseccomp.EQ, 0), pyseccomp.Arg(1, pyseccomp.EQ, resource.RLIMIT_CPU))
    rules.add_rule(pyseccomp.ALLOW, "prlimit64", *own_cpu)
    rules.load()
