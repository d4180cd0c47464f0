"""The HTTP client of the lab, as each run of Pulumi imports it in three processes."""

import subprocess
import sys


def test_the_client_is_imported_without_the_command_line_of_its_package() -> None:
    program = "from lab.http_client import httpx; import sys; httpx.Client().close(); print('rich' in sys.modules)"
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"
