"""Forks a process for each job, from an interpreter that has imported the libraries that all of them need.

Started as `fork_server.py FOLDER NAME...`; a name is a module to import, or `module:function` to call as well. FOLDER
only says in the list of processes whose it is. Standard input is a Unix socket. Each byte on it asks for one process,
and brings four files along: where the job is read from, as JSON with `arguments`, `environment` and `folder`; its
standard output and standard error; and where its process id and then its exit code are written, a line each. The end
of the socket means that local AWS has gone, and ends this process, but none of the jobs'.
"""

import array
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import time
import warnings
from contextlib import suppress

_FILES = 4


class ForkServer:
    """The process that forks, single-threaded, and never waits for a job."""

    def __init__(self) -> None:
        self._asked = socket.socket(fileno=os.dup(0))
        self._woken, self._wakes = socket.socketpair()
        self._wakes.setblocking(False)
        # Of each process: where its exit code is written.
        self._told: dict[int, int] = {}

    def serve(self) -> int:
        """Returns once per job, in its process, with the file that the job is read from."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wakes.fileno())
        with selectors.DefaultSelector() as ready:
            ready.register(self._asked, selectors.EVENT_READ)
            ready.register(self._woken, selectors.EVENT_READ)
            while True:
                chosen = [key.fileobj for key, _ in ready.select()]
                if self._woken in chosen:
                    self._woken.recv(4096)
                    self._reap()
                if self._asked in chosen and (job := self._fork(*self._received())) is not None:
                    return job

    def _received(self) -> list[int]:
        files = array.array("i")
        byte, ancillary, *_ = self._asked.recvmsg(1, socket.CMSG_SPACE(_FILES * files.itemsize))
        if not byte:
            os._exit(0)
        for _, _, data in ancillary:
            files.frombytes(data)
        return files.tolist()

    def _fork(self, job: int, output: int, errors: int, told: int) -> int | None:
        """The job's file in the process that is forked, and None in this one."""
        pid = os.fork()
        if pid:
            self._told[pid] = told
            _tell(told, pid)
            for each in (job, output, errors):
                os.close(each)
            return None
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for target, each in ((0, nothing), (1, output), (2, errors)):
            os.dup2(each, target)
        for each in {nothing, output, errors, told, *self._told.values()}:
            os.close(each)
        for end in (self._asked, self._woken, self._wakes):
            end.close()
        return job

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                told = self._told.pop(ended[0])
                _tell(told, os.waitstatus_to_exitcode(ended[1]))
                os.close(told)


def _tell(told: int, number: int) -> None:
    # Whoever asked may have gone.
    with suppress(OSError):
        os.write(told, f"{number}\n".encode())


def _import(names: list[str]) -> None:
    for name in names:
        module, _, function = name.partition(":")
        # A job that needs it will say so.
        with suppress(ImportError):
            imported = importlib.import_module(module)
            if function:
                getattr(imported, function)()


def _become(file: int) -> list[str]:
    """Makes this process the job's; returns the script and its arguments."""
    with open(file, encoding="utf-8") as given:
        job = json.load(given)
    os.environ.clear()
    os.environ.update(job["environment"])
    os.chdir(job["folder"])
    time.tzset()
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    if numpy := sys.modules.get("numpy"):
        # Python's own generator is seeded again after a fork.
        numpy.random.seed()
    for name in ("run_script", "aws_apis"):
        sys.modules.pop(name, None)
    arguments: list[str] = job["arguments"]
    return arguments


def main() -> None:
    """Imports the libraries, and forks; each fork runs its job."""
    _import(sys.argv[2:])
    # A neighbour of this script, which Python finds where it runs as one.
    run_script = importlib.import_module("run_script").run_script
    # A collection would copy the memory that the forks share.
    gc.freeze()
    with warnings.catch_warnings():
        # Threads of BLAS end before a fork, and begin anew behind it.
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        file = ForkServer().serve()
    run_script(_become(file))


if __name__ == "__main__":
    main()
