"""The processes of a chaos run: two APIs and two workers, started again whenever they have died."""

import contextlib
import os
import random
import signal
import sys
import time
from dataclasses import dataclass, field

import psutil

from config import Settings
from tests.support.places import environment, free_port
from tests.support.processes import Process

START_AGAIN = (0.1, 1.0)
"""Seconds from the death of a process to the start of the next in its place."""


@dataclass
class Post:
    """A place for one process; `port` of an API."""

    name: str
    command: list[str]
    process: Process | None = None
    port: int = 0
    empty_until: float = 0.0
    wakes_at: float | None = None


@dataclass
class Crew:
    """All processes, and how often each thing was done to them."""

    settings: Settings
    chance: random.Random
    posts: list[Post] = field(default_factory=list)

    def hire(self) -> None:
        """Start all."""
        for number in (1, 2):
            port = free_port()
            place = ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
            self.posts.append(Post(f"api-{number}", ["-m", "uvicorn", "app:app", *place], port=port))
            self.posts.append(Post(f"worker-{number}", ["worker.py"]))
        self.tend()

    def tend(self) -> None:
        """Start what has died, and wake what was stopped, when their time has come."""
        now = time.monotonic()
        for post in self.posts:
            if post.wakes_at is not None and now >= post.wakes_at:
                self.wake(post)
            if post.process and not post.process.running:
                post.process, post.wakes_at = None, None
                post.empty_until = now + self.chance.uniform(*START_AGAIN)
            if post.process is None and now >= post.empty_until:
                more = {"WORKER_AUTOSTART": "false"} | ({"PORT": str(post.port)} if post.port else {})
                post.process = Process([sys.executable, *post.command], self.settings, post.name, **more)

    def working(self, kind: str) -> list[Post]:
        """The posts of a kind whose processes run and are not stopped."""
        return [
            post
            for post in self.posts
            if post.name.startswith(kind) and post.process and post.process.running and post.wakes_at is None
        ]

    def kill(self, post: Post) -> None:
        """SIGKILL to the process alone: those below it must find out by themselves."""
        assert post.process
        post.process.signal(signal.SIGKILL)

    def kill_job(self, post: Post) -> bool:
        """SIGKILL to one of a worker's own processes; False if it has none."""
        assert post.process
        jobs = post.process.family()[1:]
        if jobs:
            with contextlib.suppress(psutil.NoSuchProcess):
                self.chance.choice(jobs).kill()
        return bool(jobs)

    def stop(self, post: Post, seconds: float) -> None:
        """SIGSTOP; `tend` sends SIGCONT later."""
        if post.process:
            post.process.signal(signal.SIGSTOP)
        post.wakes_at = time.monotonic() + seconds

    def wake(self, post: Post) -> None:
        """SIGCONT."""
        post.wakes_at = None
        if post.process:
            post.process.signal(signal.SIGCONT)

    def calm(self) -> None:
        """Wake all, and have all of them running."""
        for post in self.posts:
            self.wake(post)
            post.empty_until = 0.0
        self.tend()

    def dismiss(self) -> list[str]:
        """End all by SIGTERM; what of these settings runs on after that is an orphan, and is killed."""
        for post in self.posts:
            if post.process and post.process.running:
                post.process.stop()
        deadline = time.monotonic() + 5.0
        while (left := self.ours()) and time.monotonic() < deadline:
            time.sleep(0.1)
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        return [f"{process.pid} {process.name()}" for process in left if process.is_running()]

    def ours(self) -> list[psutil.Process]:
        """All processes that have these settings."""
        mine = environment(self.settings)["QUEUE_STATE_FILE"]
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                theirs = process.environ().get("QUEUE_STATE_FILE") == mine
                if theirs and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found
