import os
import subprocess
import sys
from pathlib import Path

import pytest

from bagmill.visualize.sdk import private_environment, run_cli
from tests.conftest import Sample
from tests.visualize.rrd import show


def test_the_environment_overrides_what_would_call_out() -> None:
    environment = private_environment(
        {
            "PATH": "/bin",
            "FORCE_RERUN_ANALYTICS": "1",
            "TELEMETRY_ENABLED": "true",
            "RERUN_CLI_PATH": "/x",
            "RERUN": "off",
        }
    )

    assert environment == {"PATH": "/bin", "CI": "1", "TELEMETRY_ENABLED": "false", "RUST_LOG": "off"}


def test_the_program_leaves_nothing_in_the_home_folder(sample: Sample, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    output = tmp_path / "out"
    output.mkdir()
    code = (
        "import sys; from pathlib import Path; from bagmill.options import VisualizeOptions;"
        "from bagmill.visualize import visualize;"
        "visualize(Path(sys.argv[1]), Path(sys.argv[2]), VisualizeOptions())"
    )
    environment = os.environ | {"HOME": str(home), "RERUN": "off", "XDG_CONFIG_HOME": str(home)}

    done = subprocess.run(
        [sys.executable, "-c", code, str(sample.path), str(output)],
        env={name: value for name, value in environment.items() if name != "CI"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(home.iterdir()) == []
    assert (output / "recording.rrd").is_file()


def test_the_command_line_program_is_that_of_the_sdk(sample: Sample, tmp_path: Path) -> None:
    file = show(sample.path, tmp_path / "out", topics="/status").path

    assert "1 file verified" in run_cli("rrd", "verify", str(file)).stderr


def test_a_program_in_the_working_directory_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rerun_cli").mkdir()
    (tmp_path / "rerun_cli" / "__main__.py").write_text("print('not this one')")
    monkeypatch.chdir(tmp_path)

    assert "not this one" not in run_cli("--version").stdout


def test_the_exit_code_is_that_of_the_program(tmp_path: Path) -> None:
    garbage = tmp_path / "recording.rrd"
    garbage.write_text("no recording")

    assert run_cli("rrd", "verify", str(garbage)).returncode != 0
