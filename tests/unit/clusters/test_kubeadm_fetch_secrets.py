"""The node's program that fetches secrets, against a metadata service and a Parameter Store made here."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from recording import CHECKOUT

from tests.aws import Aws, aws_requests, credentials

PROGRAM = CHECKOUT / "components/clusters/kubeadm/node/fetch_secrets.py"


@pytest.fixture
def aws() -> Iterator[Aws]:
    with Aws().serving() as aws:
        yield aws


def fetch(aws: Aws, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    addresses = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": aws.url, "AWS_ENDPOINT_URL_SSM": aws.url}
    return subprocess.run(
        [sys.executable, PROGRAM, *arguments], env=os.environ | addresses, capture_output=True, text=True, timeout=30
    )


def test_every_parameter_becomes_a_file_that_root_alone_reads(aws: Aws, tmp_path: Path) -> None:
    aws.parameters = {"/east/token": "a.b", "/east/pki/etcd/ca.key": "-----BEGIN\nKEY-----\n"}
    done = fetch(aws, "/east", tmp_path, "token", "pki/etcd/ca.key")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "token").read_text() == "a.b"
    assert (tmp_path / "pki/etcd/ca.key").read_text() == "-----BEGIN\nKEY-----\n"
    assert {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()} == {0o600}


def test_more_files_than_one_request_takes_are_fetched_in_several(aws: Aws, tmp_path: Path) -> None:
    names = [f"file-{number}" for number in range(12)]
    aws.parameters = {f"/east/{name}": name for name in names}
    assert fetch(aws, "/east", tmp_path, *names).returncode == 0
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {name: name for name in names}


def test_parameters_that_are_not_there_are_all_named_and_nothing_is_written(aws: Aws, tmp_path: Path) -> None:
    aws.parameters = {"/east/token": "a.b"}
    done = fetch(aws, "/east", tmp_path, "token", "one", "two")
    assert done.returncode == 1
    assert done.stderr == "fetch-secrets: no such parameters: /east/one, /east/two\n"
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_is_told_in_the_service_s_words(aws: Aws, tmp_path: Path) -> None:
    aws.refusal = '{"__type": "AccessDeniedException"}'
    done = fetch(aws, "/east", tmp_path, "token")
    assert done.returncode == 1
    assert done.stderr == f'fetch-secrets: {aws.url}/: 400 {{"__type": "AccessDeniedException"}}\n'


def test_the_request_carries_the_session_s_token_signed(aws: Aws, tmp_path: Path) -> None:
    aws.parameters = {"/east/token": "a.b"}
    fetch(aws, "/east", tmp_path, "token")
    ((headers, body),) = aws.asked
    assert body == {"Names": ["/east/token"], "WithDecryption": True}
    assert headers["x-amz-target"] == "AmazonSSM.GetParameters"
    assert headers["x-amz-security-token"] == credentials("worker", "i-1")["Token"]
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target," in headers["authorization"]
    assert "/eu-central-1/ssm/aws4_request" in headers["authorization"]


def test_signatures_are_those_of_aws_s_own_test_suite() -> None:
    """The case post-vanilla of https://docs.aws.amazon.com/general/latest/gr/signature-v4-test-suite.html."""
    headers = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}
    key = {"AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
    signed = aws_requests.signed(headers, b"", key, "us-east-1", "service")
    assert signed["authorization"].endswith(
        "Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
    )
