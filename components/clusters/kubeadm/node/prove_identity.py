"""Get a first certificate for this node: prove_identity.py ENDPOINT CA TOKEN_FILE KUBECONFIG

The token lets anyone ask, and opens nothing else. approve_nodes.py, on a control-plane node, approves what comes with a
proof that this instance asks, for the node of its own id. KUBECONFIG is written with the certificate.
"""

import base64
import json
import subprocess
import sys
import tempfile
import time
import urllib.error
from pathlib import Path

from aws_requests import Instance
from signing_requests import CLIENT, PROOF, QUESTION, SENT, Api, tied

PATIENCE = 120  # seconds
LIFETIME = 3600  # seconds; kubelet gets itself the next one at once


def key_and_request(name):
    """Return a new private key and a signing request for the node `name`, both PEM."""
    with tempfile.TemporaryDirectory(dir="/run") as folder:
        key, made = Path(folder, "key"), Path(folder, "request")
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        subject = ["-subj", f"/O=system:nodes/CN=system:node:{name}"]
        command = ["openssl", "req", "-new", *curve, *subject, "-keyout", key, "-out", made]
        subprocess.run(command, check=True, capture_output=True)
        return key.read_bytes(), made.read_bytes()


def asked(instance, request):
    """Return the object that asks for a certificate."""
    headers = instance.headers("sts", QUESTION, tied(request))
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {
            "generateName": f"{instance.id}-",
            "annotations": {PROOF: json.dumps({name: headers[name] for name in SENT})},
        },
        "spec": {
            "request": base64.b64encode(request).decode(),
            "signerName": CLIENT,
            "expirationSeconds": LIFETIME,
            "usages": ["digital signature", "client auth"],
        },
    }


def certificate(api, document):
    """Return the certificate (base64 of PEM) that the cluster signs; exits if it refuses, or takes too long."""
    name = api.send("POST", document=document)["metadata"]["name"]
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        status = api.send("GET", f"/{name}")["status"]
        for condition in status.get("conditions", ()):
            if condition["type"] != "Approved":
                sys.exit(f"prove-identity: {condition['type']}: {condition.get('message', '')}")
        if "certificate" in status:
            return status["certificate"]
        time.sleep(1)
    sys.exit(f"prove-identity: nobody approved {name} in {PATIENCE} s: is multimesh-approve-nodes running?")


def main(endpoint, ca, token_file, kubeconfig):
    """Ask, wait, and write the kubeconfig (JSON)."""
    try:
        instance = Instance()
        key, request = key_and_request(instance.id)
        api = Api(endpoint, ca, token=Path(token_file).read_text())
        signed = certificate(api, asked(instance, request))
    except urllib.error.HTTPError as error:
        sys.exit(f"prove-identity: {error.url}: {error.code} {error.read(500).decode(errors='replace')}")
    except OSError as error:
        sys.exit(f"prove-identity: {error}")
    trusted = base64.b64encode(Path(ca).read_bytes()).decode()
    user = {"client-certificate-data": signed, "client-key-data": base64.b64encode(key).decode()}
    cluster = {"server": f"https://{endpoint}:6443", "certificate-authority-data": trusted}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": cluster}],
        "users": [{"name": "node", "user": user}],
        "contexts": [{"name": "node", "context": {"cluster": "cluster", "user": "node"}}],
        "current-context": "node",
    }
    target = Path(kubeconfig)
    target.touch(mode=0o600)
    target.write_text(json.dumps(document))
    print(f"prove-identity: certificate of {instance.id}")


if __name__ == "__main__":
    main(*sys.argv[1:])
