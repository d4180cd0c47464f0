"""States that earlier versions made still find their dynamic providers."""

import base64
import pickle

import pytest

from components.clusters.api_ready import ApiReadyProvider
from components.clusters.immutable import ImmutableSettingsProvider
from components.clusters.kubernetes_version import KubernetesVersionProvider
from components.clusters.local.provider import LabProvider
from components.federation.service_objects import ServiceObjectsProvider
from components.trust.certificate_request import CertificateRequestProvider
from components.trust.intermediate_certificate import IntermediateCertificateProvider

# `__provider` as Pulumi stored it before `components/clusters/local` was a folder.
STORED = {
    LabProvider: "gASVMAAAAAAAAACMGWNvbXBvbmVudHMuY2x1c3RlcnMubG9jYWyUjAtMYWJQcm92aWRlcpSTlCmBlC4=",
    ApiReadyProvider: ("gASVOQAAAAAAAACMHWNvbXBvbmVudHMuY2x1c3RlcnMuYXBpX3JlYWR5lIwQQXBpUmVhZHlQcm92aWRlcpSTlCmBlC4="),
    ImmutableSettingsProvider: (
        "gASVQgAAAAAAAACMHWNvbXBvbmVudHMuY2x1c3RlcnMuaW1tdXRhYmxllIwZSW1tdXRhYmxlU2V0dGluZ3NQcm92aWRlcpSTlCmBlC4="
    ),
    KubernetesVersionProvider: (
        "gASVSwAAAAAAAACMJmNvbXBvbmVudHMuY2x1c3RlcnMua3ViZXJuZXRlc192ZXJzaW9ulIwZS3ViZXJuZXRlc1ZlcnNpb25Qcm92aWRlcpSTlCmBlC4="
    ),
    ServiceObjectsProvider: (
        "gASVRwAAAAAAAACMJWNvbXBvbmVudHMuZmVkZXJhdGlvbi5zZXJ2aWNlX29iamVjdHOUjBZTZXJ2aWNlT2JqZWN0c1Byb3ZpZGVylJOUKYGULg=="
    ),
    IntermediateCertificateProvider: (
        "gASVVAAAAAAAAACMKWNvbXBvbmVudHMudHJ1c3QuaW50ZXJtZWRpYXRlX2NlcnRpZmljYXRllIwfSW50ZXJtZWRpYXRlQ2VydGlmaWNhdGVQ"
        "cm92aWRlcpSTlCmBlC4="
    ),
    CertificateRequestProvider: (
        "gASVSgAAAAAAAACMJGNvbXBvbmVudHMudHJ1c3QuY2VydGlmaWNhdGVfcmVxdWVzdJSMGkNlcnRpZmljYXRlUmVxdWVzdFBy"
        "b3ZpZGVylJOUKYGULg=="
    ),
}


@pytest.mark.parametrize("provider", STORED, ids=lambda provider: provider.__name__)
def test_a_provider_that_an_earlier_version_stored_is_found(provider: type) -> None:
    assert type(pickle.loads(base64.b64decode(STORED[provider]))) is provider  # noqa: S301 - this file's own text
