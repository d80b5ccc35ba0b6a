"""What the system tells of processes."""

import os
import subprocess
import sys
import time

import psutil

from services import processes
from tests.support.waiting import wait_for

FAMILY = """
import subprocess, sys, threading
child = "import subprocess, sys; subprocess.Popen(['sleep', '600']).wait()"
threading.Thread(target=lambda: subprocess.Popen([sys.executable, "-c", child]).wait()).start()
subprocess.Popen(["sleep", "600"]).wait()
"""


def test_the_whole_family_is_found() -> None:
    """Also what a thread has started, and the children's children."""
    with subprocess.Popen([sys.executable, "-c", FAMILY], start_new_session=True) as process:
        try:
            wait_for(lambda: len(processes.descendants(process.pid)) == 3, "the family")
            told = {one.pid for one in psutil.Process(process.pid).children(recursive=True)}
            assert set(processes.descendants(process.pid)) == told
        finally:
            os.killpg(process.pid, 9)


def test_a_process_is_known_by_its_number_and_its_start() -> None:
    mine = processes.started(os.getpid())
    time.sleep(0.05)  # the system counts in hundredths
    with subprocess.Popen(["sleep", "600"]) as other:
        assert mine
        assert processes.started(os.getpid()) == mine
        assert processes.started(other.pid) not in {None, mine}
        other.kill()
    assert processes.started(other.pid) is None
    assert processes.descendants(os.getpid()) == [
        one.pid for one in psutil.Process().children(recursive=True)
    ]
    assert processes.boot() == processes.boot() != ""
