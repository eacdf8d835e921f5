"""What a process can do before it locks itself down as the document child does, and what after.

The program below is no part of the product: it calls the same `lock_down`, and tries.
"""

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import dss
from tests.world.softhsm import MODULES

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux filters system calls")

PROGRAM = """
import ctypes, errno, json, mmap, os, pathlib, signal, socket, subprocess, sys, threading
sys.path.insert(0, sys.argv[1])
from dss.documents import sandbox

pin, module, other_module, port, leaked = sys.argv[2:]
libc = ctypes.CDLL(None, use_errno=True)

def fork():
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)

def sign_with(path):
    ctypes.CDLL(path).C_GetFunctionList

def thread():
    made = threading.Thread(target=int)
    made.start()
    made.join()

def written():
    with open(pin + ".copy", "w") as copy:
        copy.write("1234")

def ask_for_the_limits_of_another():
    sandbox.resource.prlimit(os.getppid(), sandbox.resource.RLIMIT_CPU)

TRIES = {
    "read the PIN file": lambda: pathlib.Path(pin).read_text(),
    "list the PIN's folder": lambda: os.listdir(os.path.dirname(pin)),
    "see whether a file is there": lambda: os.stat(pin),
    "write a file": written,
    "delete a file": lambda: os.unlink(pin + ".copy"),
    "make a pipe": os.pipe,
    "copy a descriptor": lambda: os.dup(0),
    "make a socket": socket.socket,
    "connect": lambda: socket.create_connection(("127.0.0.1", int(port))).close(),
    "fork": fork,
    "start a program": lambda: subprocess.run(["/bin/true"], check=True),
    "start a thread": thread,
    "signal a process": lambda: os.kill(os.getpid(), 0),
    "ask for another's limits": ask_for_the_limits_of_another,
    "make memory executable": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC),
    "use very much memory": lambda: bytes(2**31),
}

def outcome(attempt):
    try:
        attempt()
    except BaseException as refusal:
        return type(refusal).__name__
    return "done"

def ptrace_errno():
    ctypes.set_errno(0)
    libc.ptrace(0, 0, 0, 0)
    return errno.errorcode.get(ctypes.get_errno(), "done")

before = {name: outcome(attempt) for name, attempt in TRIES.items()}
before["load the PKCS#11 module"] = outcome(lambda: sign_with(module))
sandbox.close_inherited()
environment, inherited = dict(os.environ), outcome(lambda: os.fstat(int(leaked)))
sandbox.lock_down(2**30)
after = {name: outcome(attempt) for name, attempt in TRIES.items()}
after["load the PKCS#11 module"] = outcome(lambda: sign_with(other_module))
after["exec"] = outcome(lambda: os.execv("/bin/true", ["true"]))
after["trace"] = ptrace_errno()
sandbox.allow_cpu(1)
print(json.dumps([before, after, environment, inherited]))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list:
    """What the program found: its tries before, its tries after, its environment, an inherited descriptor."""
    folder = tmp_path_factory.mktemp("sandbox")
    pin = folder / "user.pin"
    pin.write_text("123456")
    module = next(path for path in MODULES if Path(path).exists())
    other = shutil.copy(module, folder / "another.so")  # a module that is loaded already would need no opening
    with pin.open() as leaked, socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        arguments = [str(Path(dss.__file__).parents[1]), str(pin), module, str(other), str(port), str(leaked.fileno())]
        command = [sys.executable, "-I", "-c", PROGRAM, *arguments]
        ran = subprocess.run(command, env={}, pass_fds=[leaked.fileno()], capture_output=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr.decode()
    return json.loads(ran.stdout)


def test_before_the_lock_all_of_it_works(told):
    """Else the tries after it would show nothing."""
    before, *_ = told

    assert set(before.values()) == {"done"}, before


def test_it_can_neither_read_a_pin_nor_load_a_pkcs11_module(told):
    _, after, *_ = told

    assert after["read the PIN file"] == "PermissionError"
    assert after["load the PKCS#11 module"] == "OSError"


def test_it_can_open_no_file_socket_program_thread_or_process(told):
    _, after, *_ = told

    refused = {name: kind for name, kind in after.items() if kind in {"PermissionError", "EACCES"}}
    others = {name: kind for name, kind in after.items() if name not in refused}
    assert others == {
        "load the PKCS#11 module": "OSError",
        "start a thread": "RuntimeError",
        "use very much memory": "MemoryError",
    }


def test_it_has_an_empty_environment_and_no_inherited_descriptor(told):
    _, _, environment, inherited = told

    assert set(environment) <= {"LC_CTYPE"}  # Python's own, where it finds no locale (PEP 538)
    assert inherited == "OSError"
