"""A process for looks that does what the name of the recording says, and nothing with recordings."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

DONE = {"problem": None}


def say(*lines: Any) -> None:
    for line in lines:
        print(json.dumps(line), flush=True)


def sleep(folder: str) -> None:
    """Sleep for ever, with a child that does so too; tell their pids."""
    child = subprocess.Popen(["sleep", "1000"])
    Path(folder, "pids").write_text(f"{os.getpid()} {child.pid}\n", "utf-8")
    time.sleep(1000)


def eat(_: str) -> None:
    eaten = []
    while True:
        eaten.append(os.urandom(1 << 20) * 8)
        time.sleep(0.002)


def refuse(_: str) -> None:
    problem = {
        "type": "/problems/spec_unfit",
        "title": "t",
        "code": "spec_unfit",
        "detail": "No such topic.",
        "hint": "Did you mean `/b`?",
        "where": {"topic": "/a"},
        "errors": [{"pointer": "/rows/topic", "detail": "d", "hint": None}],
    }
    say({"problem": problem})


def shout(_: str) -> None:
    sys.stderr.write("a line\n" * (1 << 20))
    say(DONE, 1)


def break_off(_: str) -> None:
    say(DONE)
    print('{"half', end="", flush=True)
    os._exit(0)


WAYS: dict[str, Callable[[str], object]] = {
    "pid": lambda _: say(DONE, os.getpid()),
    "folder": lambda _: say(DONE, sys.argv[1]),
    "shout": shout,
    "long": lambda _: say(DONE, "x" * (8 << 20)),
    "refuse": refuse,
    "sleep": sleep,
    "eat": eat,
    "die": lambda _: os.kill(os.getpid(), signal.SIGSEGV),
    "exit": lambda _: sys.exit(3),
    "half": break_off,
    "noise": lambda _: say("what?", DONE, 1),
}

for line in sys.stdin:
    request = json.loads(line)
    folder, _, way = request["recording"].rpartition("/")
    WAYS[way](folder)
