"""`make run`: two processes that live and end together."""

import signal
import socket
import sys

import psutil
import pytest

from config import Settings
from tests.support.processes import Process, kill, listening
from tests.support.waiting import wait_for

COMMAND = [sys.executable, "-m", "services.launcher"]


def start(settings: Settings) -> Process:
    """Start it and wait until it says that it is up."""
    process = Process(COMMAND, settings, "launcher")
    wait_for(lambda: "Bagmill is up" in process.output or not process.running, "the launcher")
    assert process.running, process.output
    return process


def running(family: list[psutil.Process]) -> list[psutil.Process]:
    return [member for member in family if member.is_running() and member.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM])
def test_it_stops_both_and_ends_with_0(settings: Settings, number: signal.Signals) -> None:
    with start(settings) as launcher:
        family = launcher.family()
        assert f"http://127.0.0.1:{settings.port}" in launcher.output
        assert listening(settings.port)

        launcher.signal(number)

        assert launcher.wait() == 0, launcher.output
        assert len(family) >= 3
        assert not running(family)
        assert "Traceback" not in launcher.output


@pytest.mark.parametrize("victim", ["worker.py", pytest.param("app:app", marks=pytest.mark.slow)])
def test_if_one_dies_the_other_is_stopped(settings: Settings, victim: str) -> None:
    with start(settings) as launcher:
        family = launcher.family()
        kill([member for member in family[1:] if victim in member.cmdline()])

        assert launcher.wait() == 1
        assert "ended by itself (signal 9)" in launcher.output
        assert not running(family)


def test_a_port_in_use_is_said(settings: Settings) -> None:
    with (
        socket.create_server(("127.0.0.1", settings.port)),
        Process(COMMAND, settings, "launcher") as launcher,
    ):
        assert launcher.wait() == 1
        assert f"Another program listens on 127.0.0.1:{settings.port}" in launcher.output
        assert "make run PORT=8123" in launcher.output


def test_a_wrong_setting_is_said(settings: Settings) -> None:
    with Process(COMMAND, settings, "launcher", PORT="eight") as launcher:
        assert launcher.wait() == 1
        assert "PORT: Input should be a valid integer" in launcher.output
        assert "Traceback" not in launcher.output
