"""Certificate signing requests of nodes in the Kubernetes API, and the proof that comes with a new node's.

The proof is what kops and EKS take: a request to AWS STS (GetCallerIdentity) that the node signs with its instance's
credentials and somebody else sends. AWS answers with the role and, as the name of the session, the id of the instance.
A signed header ties it to one signing request, so it is worth nothing to whoever has another key.
Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
"""

import hashlib
import json
import ssl

from aws_requests import FORM, form, request

CLIENT, SERVING = "kubernetes.io/kube-apiserver-client-kubelet", "kubernetes.io/kubelet-serving"
PROOF = "multimesh/identity"
"""The annotation that holds the proof."""
REQUEST = "x-multimesh-request"
"""The header that holds the hash of the signing request."""
QUESTION = form(Action="GetCallerIdentity", Version="2011-06-15")
SENT = ("authorization", "x-amz-date", "x-amz-security-token")
"""The headers that only the node can make; whoever sends the request knows the others."""


def tied(pem):
    """Return the headers that are in every proof for a signing request (PEM)."""
    return {"content-type": FORM, REQUEST: hashlib.sha256(pem).hexdigest()}


class Api:
    """The API server, verified by the cluster's CA."""

    def __init__(self, endpoint, ca, token=None, certificate=None):
        self.url = f"https://{endpoint}:6443/apis/certificates.k8s.io/v1/certificatesigningrequests"
        self.context = ssl.create_default_context(cafile=ca)
        self.headers = {"Content-Type": "application/json"}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"
        if certificate:
            self.context.load_cert_chain(certificate)

    def send(self, method, path="", document=None):
        """Return what the API answers about signing requests; raise OSError."""
        data = json.dumps(document).encode() if document else None
        return json.loads(request(self.url + path, self.headers, data, method, self.context))
