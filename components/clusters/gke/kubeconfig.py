"""The kubeconfig of a GKE cluster: its users authenticate with Google's credential plugin."""

import yaml

PLUGIN = "gke-gcloud-auth-plugin"
INSTALL_HINT = (
    f"install it by `gcloud components install {PLUGIN}` or the Debian package google-cloud-cli-{PLUGIN}; "
    "see https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-access-for-kubectl"
)


def kubeconfig(name: str, address: str, ca_certificate: str) -> str:
    """Return YAML whose only context points to the API server at `address`; `ca_certificate` is base64 of PEM.

    The plugin uses the same application default credentials as Pulumi's provider, not gcloud's own login.
    """
    execute = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": PLUGIN,
        "args": ["--use_application_default_credentials"],
        "installHint": INSTALL_HINT,
        "interactiveMode": "Never",
        "provideClusterInfo": True,
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "clusters": [
            {"name": name, "cluster": {"server": f"https://{address}", "certificate-authority-data": ca_certificate}}
        ],
        "users": [{"name": name, "user": {"exec": execute}}],
    }
    return yaml.safe_dump(document, sort_keys=False)
