"""Forks a process for each job, from an interpreter that has imported the libraries that all of them need.

Started as `fork_server.py FOLDER NAME...`; a name is a module to import, or `module:function` to call as well. FOLDER
only says in the list of processes whose it is. Standard input is a Unix socket. Each byte on it asks for one process,
and brings four files along: where the job is read from, as JSON with `arguments`, `environment` and `folder`; its
standard output and standard error; and where its process id and then its exit code are written, a line each. A fifth
file is its standard input, which is empty otherwise: a job with a socket there can fork others itself. The end of the
socket means that nobody asks any more, and ends this process and what it started, but none of the jobs'.
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

_FILES = 5


class ForkServer:
    """The process that forks, single-threaded, and never waits for a job."""

    def __init__(self) -> None:
        """Takes the socket, and leaves an empty standard input."""
        self._asked = socket.socket(fileno=os.dup(0))
        _be_empty(0)
        # Of each process: where its exit code is written.
        self._told: dict[int, int] = {}

    def serve(self) -> int:
        """Returns once per job, in its process, with the file that the job is read from."""
        self._woken, self._wakes = socket.socketpair()
        self._wakes.setblocking(False)
        self._before = signal.signal(signal.SIGCHLD, lambda *_: None), signal.set_wakeup_fd(self._wakes.fileno())
        with selectors.DefaultSelector() as ready:
            ready.register(self._asked, selectors.EVENT_READ)
            ready.register(self._woken, selectors.EVENT_READ)
            while True:
                chosen = [key.fileobj for key, _ in ready.select()]
                if self._woken in chosen:
                    self._woken.recv(4096)
                    self._reap()
                if self._asked in chosen:
                    files = self._received()
                    if not files:
                        ready.unregister(self._asked)
                        self._asked.close()
                    elif (job := self._fork(*files)) is not None:
                        return job
                if self._asked.fileno() < 0 and not self._told:
                    # Also what a job with a socket has started before it forked.
                    os.killpg(0, signal.SIGKILL)

    def become(self) -> int:
        """The file of the first job, which is this process's own; its outputs are those of this process already."""
        files = self._received()
        self._asked.close()
        if not files:
            os._exit(0)
        for each in files[1:]:
            os.close(each)
        return files[0]

    def _received(self) -> list[int]:
        """The files of a job; none at the end of the socket."""
        files = array.array("i")
        _, ancillary, *_ = self._asked.recvmsg(1, socket.CMSG_SPACE(_FILES * files.itemsize))
        for _, _, data in ancillary:
            files.frombytes(data)
        return files.tolist()

    def _fork(self, job: int, output: int, errors: int, told: int, *more: int) -> int | None:
        """The job's file in the process that is forked, and None in this one."""
        pid = os.fork()
        if pid:
            self._told[pid] = told
            _tell(told, pid)
            for each in (job, output, errors, *more):
                os.close(each)
            return None
        handler, wakes = self._before
        signal.set_wakeup_fd(wakes)
        signal.signal(signal.SIGCHLD, handler or signal.SIG_DFL)
        os.setsid()
        for target, each in ((1, output), (2, errors), *((0, each) for each in more)):
            os.dup2(each, target)
        for each in {output, errors, told, *more, *self._told.values()}:
            os.close(each)
        for end in (self._asked, self._woken, self._wakes):
            end.close()
        if numpy := sys.modules.get("numpy"):
            # Python's own generator is seeded again after a fork.
            numpy.random.seed()
        return job

    def _reap(self) -> None:
        # Not any child: others may have been started by a job that forks, and are waited for by who did.
        for pid, told in [*self._told.items()]:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self._told[pid]
                _tell(told, os.waitstatus_to_exitcode(status))
                os.close(told)


def _be_empty(descriptor: int) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, descriptor)
    os.close(nothing)


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
