"""Requests to AWS with the instance's own role, signed (Signature Version 4), and what the instance knows of itself.

Standard library only: neither the AWS CLI nor an SDK is on Ubuntu's images, Python is, as cloud-init is written in it.
Run as a program it prints an item of the metadata: aws_requests.py instance-id
"""

import datetime
import hashlib
import hmac
import json
import os
import sys
import urllib.parse
import urllib.request

METADATA = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254")
TIMEOUT = 10
FORM = "application/x-www-form-urlencoded; charset=utf-8"


def request(url, headers, data=None, method=None, context=None):
    """Return the body of an answer; raise OSError."""
    wanted = urllib.request.Request(url, data=data, headers=headers, method=method)
    with urllib.request.urlopen(wanted, timeout=TIMEOUT, context=context) as response:
        return response.read().decode()


def session():
    """Return the function that asks the instance metadata service (IMDSv2) for a path."""
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


class Instance:
    """This instance: its id, and requests that its role signs."""

    def __init__(self):
        metadata = session()
        role = metadata("iam/security-credentials/").split()[0]
        self.id = metadata("instance-id")
        self.credentials = json.loads(metadata(f"iam/security-credentials/{role}"))
        self.region, self.domain = metadata("placement/region"), metadata("services/domain")

    def endpoint(self, service):
        """Return the URL of a service in the instance's region."""
        return os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}", f"https://{service}.{self.region}.{self.domain}")

    def headers(self, service, body, more):
        """Return the signed headers of a POST of `body`; `more` has lower-case names."""
        headers = {
            "host": self.endpoint(service).partition("://")[2],
            "x-amz-date": datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ"),
            "x-amz-security-token": self.credentials["Token"],
            **more,
        }
        return signed(headers, body, self.credentials, self.region, service)

    def post(self, service, body, headers):
        """Return the answer of a service; raise OSError."""
        return request(f"{self.endpoint(service)}/", headers, body)


def form(**fields):
    """Return the body of a request to a service that takes forms."""
    return urllib.parse.urlencode(fields).encode()


if __name__ == "__main__":
    print(session()(sys.argv[1]))
