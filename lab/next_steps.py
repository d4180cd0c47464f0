"""What a first `make up` ends with: the stack's outputs, and commands to try."""

import json
import subprocess

from lab.environment import CHECKOUT


def main() -> None:
    """Print the outputs as `pulumi stack output` does, then commands that work as they stand."""
    show = ["pulumi", "stack", "output"]
    print("\n" + subprocess.run(show, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout)
    said = subprocess.run([*show, "meshes", "--json"], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    ingress_url = next(iter(json.loads(said.stdout).values()))["ingress_url"]
    print(
        "Try:\n"
        f"    curl {ingress_url}/  # ask again: another mesh may answer\n"
        '    eval "$(make env)"  # plain pulumi and multimesh for this stack, in this shell\n'
        "    pulumi config set --path 'multimesh:services[0].meshes.east' 80\n"
        "    pulumi up --suppress-outputs && multimesh verify\n"
        "    make destroy"
    )


if __name__ == "__main__":
    main()
