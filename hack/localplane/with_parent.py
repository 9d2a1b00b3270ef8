"""`with_parent.py PID PROGRAM [ARGUMENT…]`: become PROGRAM, and die when process PID does.

A process of its own rather than code between fork and exec, which is not safe in a program with
threads. Linux only (prctl, PR_SET_PDEATHSIG).
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL)) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        # It died before the request was made; nobody would end this process.
        sys.exit(1)
    os.execv(program[0], program)  # noqa: S606
