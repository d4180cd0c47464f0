#!/usr/bin/python3
"""Fetch secret files from AWS Systems Manager Parameter Store: fetch-secrets PARAMETER_PATH FOLDER FILE...

Each FILE is the parameter PARAMETER_PATH/FILE and becomes FOLDER/FILE, readable by root alone. The instance's own role
is asked for credentials (IMDSv2), the request is signed with them (Signature Version 4). Standard library only: neither
the AWS CLI nor an SDK is on Ubuntu's images, Python is, as cloud-init is written in it.
"""

import datetime
import hashlib
import hmac
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

METADATA = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254")
BATCH = 10  # names that one GetParameters takes
TIMEOUT = 10


def request(url, headers, data=None, method=None):
    """Return the body of an answer; raise OSError."""
    wanted = urllib.request.Request(url, data=data, headers=headers, method=method)
    with urllib.request.urlopen(wanted, timeout=TIMEOUT) as response:
        return response.read().decode()


def session():
    """Return the function that asks the instance metadata service for a path."""
    lifetime = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    token = {"X-aws-ec2-metadata-token": request(f"{METADATA}/latest/api/token", lifetime, method="PUT")}
    return lambda path: request(f"{METADATA}/latest/meta-data/{path}", token)


def signature(secret_key, date, region, service, text):
    """Return the signature of a string to sign; `date` is YYYYMMDD."""
    key = f"AWS4{secret_key}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def signed(headers, body, credentials, region, service):
    """Return the headers of a POST to / with an Authorization; `headers` has lower-case names, x-amz-date included."""
    names = ";".join(sorted(headers))
    canonical = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    asked = f"POST\n/\n\n{canonical}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    date = headers["x-amz-date"]
    scope = f"{date[:8]}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(asked.encode()).hexdigest()}"
    found = signature(credentials["SecretAccessKey"], date[:8], region, service, text)
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={credentials['AccessKeyId']}/{scope}, SignedHeaders={names}, Signature={found}"
    )
    return {**headers, "authorization": authorization}


def parameters(names):
    """Return the values of parameters by their names. Exits with the names that are not there."""
    metadata = session()
    role = metadata("iam/security-credentials/").split()[0]
    credentials = json.loads(metadata(f"iam/security-credentials/{role}"))
    region = metadata("placement/region")
    domain = metadata("services/domain")
    endpoint = os.environ.get("AWS_ENDPOINT_URL_SSM", f"https://ssm.{region}.{domain}")
    values = {}
    for start in range(0, len(names), BATCH):
        body = json.dumps({"Names": names[start : start + BATCH], "WithDecryption": True}).encode()
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "host": endpoint.partition("://")[2],
            "x-amz-date": datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ"),
            "x-amz-security-token": credentials["Token"],
            "x-amz-target": "AmazonSSM.GetParameters",
        }
        answer = json.loads(request(f"{endpoint}/", signed(headers, body, credentials, region, "ssm"), body))
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
