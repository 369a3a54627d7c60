"""The program that :func:`forked.programs` makes: it asks the server for a fork, and ends as that does.

It has to start fast, so it imports next to nothing.
"""

import _signal as signal
import _socket
import os
import sys


def become_fork(server):
    """Be `dws`, in a fork of the server with this socket."""
    import json

    umask = os.umask(0)
    os.umask(umask)
    request = {"command": ["dws", *sys.argv[1:]], "cwd": os.getcwd(), "env": dict(os.environ), "umask": umask}
    message = json.dumps(request).encode()
    connection = _socket.socket(_socket.AF_UNIX)
    connection.connect(server)
    streams = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))
    connection.sendmsg([b"%20d" % len(message)], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
    while message:
        message = message[connection.send(message) :]
    answers, pid = b"", None
    while answers.count(b"\n") < 2:
        received = connection.recv(100)
        if not received:
            sys.exit("the server of forked processes has gone")
        answers += received
        if pid is None and b"\n" in answers:
            pid = int(answers.partition(b"\n")[0])
            send_on_signals(pid)
    status = int(answers.split()[1])
    if status < 0:
        signal.signal(-status, signal.SIG_DFL) if -status != signal.SIGKILL else None
        os.kill(os.getpid(), -status)
    os._exit(status)


def send_on_signals(pid):
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1):
        signal.signal(each, lambda number, _: os.kill(pid, number))
