"""Approve the certificates of nodes that are who they say: a service on every control-plane node.

- A new node's first certificate, which the join token may ask for: AWS must say that the instance of that id asks, and
  that it has the workers' role.
- A kubelet's serving certificate: the node itself asks, and the names and addresses are its own, as EC2 knows them.

What is wrong is denied, and what cannot be decided stays pending, both with the reason in the journal. Renewed client
certificates are kube-controller-manager's, which compares the names itself.
Source: https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/
"""

import base64
import ipaddress
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.error

from aws_requests import FORM, Instance, form
from cryptography import x509
from cryptography.x509.oid import NameOID
from signing_requests import CLIENT, PROOF, QUESTION, REQUEST, SENT, SERVING, Api, tied

GROUP = "system:bootstrappers:multimesh"
USER = "multimesh:node-approver"
NODE = "system:node:"
ORGANIZATION, COMMON_NAME = NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME
CONFLICT = 409
PAUSE = 2  # seconds
KUBECONFIG = ["kubeadm", "kubeconfig", "user", "--config", "/etc/multimesh/cluster.yaml", "--client-name", USER]
SIGNED = f"content-type;host;x-amz-date;x-amz-security-token;{REQUEST}"
AUTHORIZATION = re.compile(rf"AWS4-HMAC-SHA256 Credential=[^, ]+, SignedHeaders={SIGNED}, Signature=[0-9a-f]{{64}}")


class RefusedError(Exception):
    """The node may not have the certificate; the message is the reason."""


def read(pem):
    """Return the node that a signing request (PEM) is for, and its extensions."""
    try:
        request = x509.load_pem_x509_csr(pem)
        subject = [(attribute.oid, str(attribute.value)) for attribute in request.subject]
        extensions, signed = list(request.extensions), request.is_signature_valid
    except Exception as error:  # whatever is in it: other nodes wait for this program
        raise RefusedError(f"must be a signing request that can be read: {error}") from error
    name = subject[-1][1].removeprefix(NODE) if subject else ""
    if not name or not signed or subject != [(ORGANIZATION, "system:nodes"), (COMMON_NAME, NODE + name)]:
        raise RefusedError(
            f"must be of system:nodes and one node, is of {request.subject.rfc4514_string() or 'nobody'}"
        )
    return name, extensions


def check_usages(spec, purpose):
    """Refuse a certificate that is for more than one purpose."""
    if not {purpose} <= set(spec["usages"]) <= {purpose, "digital signature", "key encipherment"}:
        raise RefusedError(f"must be for {purpose}, is for {', '.join(spec['usages'])}")


def caller(instance, proof, pem):
    """Return the ARN of who signed a proof for a signing request, as AWS STS says."""
    try:
        given = {name: str(json.loads(proof)[name]) for name in SENT}
    except (ValueError, TypeError, KeyError) as error:
        raise RefusedError(f"must have the annotation {PROOF}") from error
    if not AUTHORIZATION.fullmatch(given["authorization"]) or any(not text.isprintable() for text in given.values()):
        raise RefusedError(f"the annotation {PROOF} must be signed with the headers {SIGNED}")
    try:
        answer = instance.post("sts", QUESTION, given | tied(pem))
    except urllib.error.HTTPError as error:
        if error.code in (400, 403):
            raise RefusedError(
                "AWS does not accept the signature: of another request, or older than 15 minutes"
            ) from error
        raise
    return "".join(re.findall("<Arn>([^<]+)</Arn>", answer))


def check_client(instance, workers, document):
    """Refuse a first certificate unless the instance that is the node asks for it."""
    pem = base64.b64decode(document["spec"]["request"])
    node, extensions = read(pem)
    check_usages(document["spec"], "client auth")
    if extensions:
        raise RefusedError("must have no extension")
    asks = caller(instance, document["metadata"].get("annotations", {}).get(PROOF), pem)
    if asks != f"{workers}/{node}":
        raise RefusedError(f"{asks} asks for a certificate of {node}")


def check_serving(instance, document):
    """Refuse a serving certificate unless all of its names and addresses are the node's own."""
    node, extensions = read(base64.b64decode(document["spec"]["request"]))
    check_usages(document["spec"], "server auth")
    if document["spec"]["username"] != NODE + node:
        raise RefusedError(f"{document['spec']['username']} asks for a certificate of {node}")
    if [extension.oid for extension in extensions] != [x509.SubjectAlternativeName.oid]:
        raise RefusedError("must have alternative names and no other extension")
    names = extensions[0].value
    body = form(Action="DescribeInstances", Version="2016-11-15", **{"InstanceId.1": node})
    answer = instance.post("ec2", body, instance.headers("ec2", body, {"content-type": FORM}))
    own = {x509.DNSName(node), *map(address, re.findall("<privateIpAddress>([^<]+)</privateIpAddress>", answer))}
    if others := [str(name.value) for name in names if name not in own]:
        raise RefusedError(f"not of {node}: {', '.join(others)}")


def address(text):
    """Return an address as a certificate has it."""
    return x509.IPAddress(ipaddress.ip_address(text))


def kind_of(document):
    """Return what a signing request is for; None if it is decided, or not ours to decide."""
    spec = document["spec"]
    if document["status"]:
        return None
    if spec["signerName"] == CLIENT and GROUP in spec.get("groups", ()):
        return "client"
    if spec["signerName"] == SERVING and spec["username"].startswith(NODE):
        return "serving"
    return None


def decide(api, document, kind, message):
    """Approve or deny a signing request, and say so."""
    name = document["metadata"]["name"]
    condition = {"type": kind, "status": "True", "reason": "MultimeshApproveNodes", "message": message}
    document["status"]["conditions"] = [condition]
    try:
        api.send("PUT", f"/{name}/approval", document)
    except urllib.error.HTTPError as error:
        if error.code == CONFLICT:  # another control-plane node was faster
            return
        raise
    print(f"approve-nodes: {kind} {name}: {message}", flush=True)


def look(api, workers, told):
    """Decide on everything that waits; `told` are the requests whose trouble was told before."""
    for document in api.send("GET")["items"]:
        name, kind = document["metadata"]["name"], kind_of(document)
        document |= {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest"}
        try:
            if kind == "client":
                check_client(Instance(), workers, document)
            elif kind == "serving":
                check_serving(Instance(), document)
            if kind:
                decide(api, document, "Approved", f"a {kind} certificate of {document['spec']['username']}")
        except RefusedError as refusal:
            decide(api, document, "Denied", str(refusal))
        except OSError as error:
            if name not in told:
                print(f"approve-nodes: cannot decide on {name}, it stays pending: {error}", flush=True)
            told.add(name)


def main(endpoint, workers):
    """Look every few seconds. `workers` is the ARN of the workers' role. The certificate outlives the service."""
    made = subprocess.run([*KUBECONFIG, "--validity-period", "24h"], check=True, capture_output=True, text=True).stdout
    with tempfile.NamedTemporaryFile(dir="/run") as file:
        for part in ("certificate", "key"):
            file.write(base64.b64decode(re.findall(rf"client-{part}-data: (\S+)", made)[0]))
        file.flush()
        api = Api(endpoint, "/etc/kubernetes/pki/ca.crt", certificate=file.name)
    session = workers.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")
    told, trouble = set(), ""
    while True:
        try:
            look(api, session, told)
            trouble = ""
        except OSError as error:
            if str(error) != trouble:
                trouble = str(error)
                print(f"approve-nodes: {trouble}", flush=True)
        time.sleep(PAUSE)


if __name__ == "__main__":
    main(*sys.argv[1:])
