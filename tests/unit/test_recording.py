"""The mock engine itself: what a program that failed leaves behind."""

import threading
import time
from typing import Any

import pytest
from ec2_stack import VPC, config
from pulumi.runtime import rpc
from recording import record

from components.clusters.ec2 import scope


def test_a_program_that_failed_is_over_when_its_last_call_is(monkeypatch: pytest.MonkeyPatch) -> None:
    serialize = rpc.serialize_properties

    async def slow_in_the_engine(*args: Any, **options: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            time.sleep(0.05)
        return await serialize(*args, **options)

    monkeypatch.setattr(rpc, "serialize_properties", slow_in_the_engine)
    with pytest.raises(scope.AwsLookUpError):
        record(config(vpc=VPC, node_cidr="10.0.0.0/16"))
