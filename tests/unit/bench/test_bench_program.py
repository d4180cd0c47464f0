"""The measurement of the program alone: it runs the whole program, or it measures nothing."""

import re
import subprocess
import sys


def test_the_program_alone_is_measured() -> None:
    command = [sys.executable, "-m", "bench.program", "--meshes", "3", "--services", "2"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert re.fullmatch(r"3 meshes, 2 services: \d+\.\d s of CPU time, \d+ MiB\n", said)
