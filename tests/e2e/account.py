"""An administrator of a cluster by token, as a pipeline is: a service account, its Secret with a token, its rights."""

import base64
import time
from typing import Any

import yaml
from kubernetes import client
from kubernetes.client import ApiException, CoreV1Api, RbacAuthorizationV1Api
from kubernetes.config import new_client_from_config_dict

SPACE = "kube-system"


def create(kubeconfig: str, name: str) -> str:
    """Return the kubeconfig of a new administrator of the cluster that `kubeconfig` opens."""
    document = yaml.safe_load(kubeconfig)
    with new_client_from_config_dict(document) as api:
        core: Any = CoreV1Api(api)
        rbac: Any = RbacAuthorizationV1Api(api)
        core.create_namespaced_service_account(SPACE, {"metadata": {"name": name}})
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
        subject = {"kind": "ServiceAccount", "name": name, "namespace": SPACE}
        rbac.create_cluster_role_binding({"metadata": {"name": name}, "roleRef": role, "subjects": [subject]})
        about = {"name": name, "annotations": {"kubernetes.io/service-account.name": name}}
        core.create_namespaced_secret(SPACE, {"metadata": about, "type": "kubernetes.io/service-account-token"})
        given = _filled(core, name)
    return _with(document, given)


def _with(document: dict[str, Any], token: str) -> str:
    [user] = document["users"]
    return yaml.safe_dump(document | {"users": [{"name": user["name"], "user": {"token": token}}]})


def _filled(core: Any, name: str) -> str:
    deadline = time.monotonic() + 30
    while not (data := core.read_namespaced_secret(name, SPACE).data or {}).get("token"):
        assert time.monotonic() < deadline, "the token controller fills the Secret"
        time.sleep(0.2)
    return base64.b64decode(data["token"]).decode()


def token(kubeconfig: str) -> str:
    """Return the token in a kubeconfig."""
    [user] = yaml.safe_load(kubeconfig)["users"]
    return user["user"]["token"]


def delete(kubeconfig: str, name: str) -> None:
    """Delete an administrator: the account, and with it every token of it, and its binding."""
    with new_client_from_config_dict(yaml.safe_load(kubeconfig)) as api:
        CoreV1Api(api).delete_namespaced_service_account(name, SPACE)
        RbacAuthorizationV1Api(api).delete_cluster_role_binding(name)


def minted(kubeconfig: str, name: str, namespace: str, seconds: int) -> str:
    """Return a kubeconfig with a token of a service account that whoever has `kubeconfig` asks for, for `seconds`."""
    document = yaml.safe_load(kubeconfig)
    with new_client_from_config_dict(document) as api:
        spec = client.V1TokenRequestSpec(audiences=[], expiration_seconds=seconds)
        request = client.AuthenticationV1TokenRequest(spec=spec)
        made: Any = CoreV1Api(api).create_namespaced_service_account_token(name, namespace, request)
    return _with(document, made.status.token)


def reads_the_meshs_ca(kubeconfig: str) -> int:
    """Return what the API server answers who asks for the key of the mesh's CA with a kubeconfig: an HTTP status."""
    with new_client_from_config_dict(yaml.safe_load(kubeconfig)) as api:
        try:
            CoreV1Api(api).read_namespaced_secret("cacerts", "istio-system")
        except ApiException as error:
            return error.status or 0
    return 200
