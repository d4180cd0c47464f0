"""Fetch secret files from AWS Systems Manager Parameter Store: fetch_secrets.py PARAMETER_PATH FOLDER FILE...

Each FILE is the parameter PARAMETER_PATH/FILE and becomes FOLDER/FILE, readable by root alone.
"""

import json
import sys
import urllib.error
from pathlib import Path

from aws_requests import Instance

BATCH = 10  # names that one GetParameters takes
KIND = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "AmazonSSM.GetParameters"}


def parameters(names):
    """Return the values of parameters by their names. Exits with the names that are not there."""
    instance = Instance()
    values = {}
    for start in range(0, len(names), BATCH):
        body = json.dumps({"Names": names[start : start + BATCH], "WithDecryption": True}).encode()
        answer = json.loads(instance.post("ssm", body, instance.headers("ssm", body, KIND)))
        if answer["InvalidParameters"]:
            sys.exit(f"fetch-secrets: no such parameters: {', '.join(answer['InvalidParameters'])}")
        values.update((found["Name"], found["Value"]) for found in answer["Parameters"])
    return values


def main(path, folder, *files):
    """Fetch everything, then write it."""
    try:
        values = parameters([f"{path}/{file}" for file in files])
    except urllib.error.HTTPError as error:
        sys.exit(f"fetch-secrets: {error.url}: {error.code} {error.read(500).decode(errors='replace')}")
    except OSError as error:
        sys.exit(f"fetch-secrets: {error}")
    for file in files:
        target = Path(folder, file)
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        target.touch(mode=0o600)
        target.write_text(values[f"{path}/{file}"])
    print(f"fetch-secrets: {len(files)} files of {path}")


if __name__ == "__main__":
    main(*sys.argv[1:])
