"""Faults of a stack, each with the check that names it first and a part of the cause."""

from tests.faults.check_breaks import (
    CACERTS,
    ENTRY,
    FILTERS,
    GATEWAY,
    GATEWAY_SERVICE,
    GLOBAL,
    NETWORKING,
    ROUTE,
    RULE,
    SECURITY,
    WEBHOOKS,
    Fault,
    cas_exchanged,
    certificate_of_nobody,
    edit,
    first_port,
    foreign,
    gone,
    kube_proxy_ended,
    link_dropped,
    lock_left,
    mesh_config,
    peers_port,
    scaled_to_0,
)

FAULTS: dict[str, tuple[Fault, str, str]] = {
    "ServiceEntry deleted": (gone(ENTRY), "drift", f"ServiceEntry istio-system/{GLOBAL} is gone"),
    "endpoint edited": (
        edit(ENTRY, lambda one: one["spec"]["endpoints"][0].update(address="192.0.2.7")),
        "drift",
        'endpoints[0].address is "192.0.2.7"',
    ),
    "endpoint's port edited": (
        edit(
            ENTRY,
            lambda one: one["spec"]["endpoints"][1].update(
                ports=dict.fromkeys(one["spec"]["endpoints"][1]["ports"], 15444)
            ),
        ),
        "drift",
        "is 15444",
    ),
    "identities edited": (
        edit(ENTRY, lambda one: one["spec"].update(subjectAltNames=["spiffe://nobody/ns/demo/sa/echo"])),
        "drift",
        "subjectAltNames",
    ),
    "ServiceEntry for its own namespace": (
        edit(ENTRY, lambda one: one["spec"].update(exportTo=["."])),
        "drift",
        "spec.exportTo was added",
    ),
    "DestinationRule deleted": (gone(RULE), "drift", f"DestinationRule istio-system/{GLOBAL} is gone"),
    "SNI edited": (edit(RULE, first_port(lambda one: one["tls"].update(sni="x"))), "drift", 'sni is "x"'),
    "mutual TLS of callers off": (
        edit(RULE, first_port(lambda one: one.update(tls={"mode": "DISABLE"}))),
        "drift",
        'tls.mode is "DISABLE"',
    ),
    "VirtualService deleted": (gone(ROUTE), "drift", f"VirtualService istio-system/{GLOBAL} is gone"),
    "route edited": (
        edit(ROUTE, lambda one: one["spec"]["http"][0]["route"][0]["destination"].update(host="nowhere")),
        "drift",
        'destination.host is "nowhere"',
    ),
    "host taken from the peers' Gateway": (
        edit(GATEWAY, lambda one: one["spec"]["servers"][0].update(hosts=["other.demo.svc.cluster.local"])),
        "drift",
        "Gateway istio-system/peers was changed",
    ),
    "wildcard in the peers' Gateway": (
        edit(GATEWAY, lambda one: one["spec"]["servers"][0]["hosts"].append("*.local")),
        "drift",
        "*.local",
    ),
    "peers' Gateway deleted": (gone(GATEWAY), "drift", "Gateway istio-system/peers is gone"),
    "ingress Gateway deleted": (
        gone(f"{NETWORKING}/istio-system/gateways/ingress"),
        "drift",
        "Gateway istio-system/ingress is gone",
    ),
    "other meshes let in": (gone(f"{FILTERS}/foreign-identities"), "drift", "foreign-identities is gone"),
    "every port of the gateway opened": (
        gone(f"{SECURITY}/istio-system/authorizationpolicies/gateway-ports"),
        "drift",
        "gateway-ports is gone",
    ),
    "callers widened": (
        edit(
            f"{SECURITY}/demo/authorizationpolicies/{GLOBAL}.others",
            lambda one: one["spec"]["rules"][0]["from"][0]["source"].update(notPrincipals=["*"]),
        ),
        "drift",
        f"AuthorizationPolicy demo/{GLOBAL}.others was changed",
    ),
    "EnvoyFilter deleted": (gone(f"{FILTERS}/lost-meshes"), "drift", "lost-meshes is gone"),
    "mutual TLS not strict": (
        edit(
            f"{SECURITY}/istio-system/peerauthentications/default",
            lambda one: one["spec"]["mtls"].update(mode="PERMISSIVE"),
        ),
        "drift",
        'spec.mtls.mode is "PERMISSIVE", not "STRICT"',
    ),
    "injection label taken away": (
        edit("/api/v1/namespaces/demo", lambda one: one["metadata"]["labels"].pop("istio-injection")),
        "drift",
        "istio-injection is nothing",
    ),
    "selector of nobody": (
        edit("/api/v1/namespaces/demo/services/echo", lambda one: one["spec"].update(selector={"app": "ecko"})),
        "drift",
        'spec.selector.app is "ecko"',
    ),
    "Service on another port": (
        edit("/api/v1/namespaces/demo/services/echo", lambda one: one["spec"]["ports"][0].update(port=8080)),
        "drift",
        "spec.ports[0].port is 8080, not 80",
    ),
    "Service of another protocol": (
        edit("/api/v1/namespaces/demo/services/echo", lambda one: one["spec"]["ports"][0].update(appProtocol="tcp")),
        "service",
        "port 80 is tcp by its appProtocol tcp, its routes are http",
    ),
    "workload scaled to 0": (scaled_to_0("demo", "echo"), "service-pods", "is ready"),
    "istiod scaled to 0": (scaled_to_0("istio-system", "istiod"), "istiod-ready", "scaled to 0"),
    "gateway scaled to 0": (scaled_to_0("istio-system", "istio-ingressgateway"), "gateway-ready", "scaled to 0"),
    "webhook deleted": (gone(f"{WEBHOOKS}/istio-sidecar-injector"), "injection-webhook", "no webhook"),
    "DNS capture off": (
        mesh_config('ISTIO_META_DNS_CAPTURE: "true"', 'ISTIO_META_DNS_CAPTURE: "false"'),
        "dns-capture",
        "ISTIO_META_DNS_CAPTURE",
    ),
    "trust domain changed": (
        mesh_config("trustDomain: east.mesh", "trustDomain: cluster.local"),
        "trust-domain",
        "cluster.local",
    ),
    "cacerts deleted": (gone(CACERTS), "cacerts", "no Secret cacerts"),
    "root swapped": (edit(CACERTS, certificate_of_nobody), "cacerts", "the stack has"),
    "CA of another mesh": (cas_exchanged, "cacerts", "may sign for west.mesh"),
    "no port for peers": (
        edit(GATEWAY_SERVICE, lambda one: one["spec"]["ports"].remove(peers_port(one))),
        "gateway-address",
        "no port 31443",
    ),
    "another node port": (
        edit(GATEWAY_SERVICE, lambda one: peers_port(one).update(nodePort=31999)),
        "gateway-address",
        "only 15443, 31999",
    ),
    "a second Gateway on the port for peers": (
        foreign(
            "Gateway",
            "gateways",
            {
                "selector": {"istio": "ingressgateway"},
                "servers": [
                    {
                        "port": {"number": 15443, "name": "tls", "protocol": "TLS"},
                        "tls": {"mode": "AUTO_PASSTHROUGH"},
                        "hosts": ["*.local"],
                    }
                ],
            },
        ),
        "gateway-foreign",
        "demo/somebodys",
    ),
    "foreign VirtualService": (
        foreign(
            "VirtualService", "virtualservices", {"hosts": [GLOBAL], "http": [{"directResponse": {"status": 418}}]}
        ),
        "foreign-rules",
        "VirtualService demo/somebodys",
    ),
    "foreign DestinationRule": (
        foreign("DestinationRule", "destinationrules", {"host": GLOBAL, "trafficPolicy": {"tls": {"mode": "DISABLE"}}}),
        "foreign-rules",
        "DestinationRule demo/somebodys",
    ),
    "foreign ServiceEntry": (
        foreign(
            "ServiceEntry",
            "serviceentries",
            {"hosts": [GLOBAL], "resolution": "NONE", "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}]},
        ),
        "foreign-rules",
        "ServiceEntry demo/somebodys",
    ),
    "mutual TLS of the workload off": (
        foreign("PeerAuthentication", "peerauthentications", {"mtls": {"mode": "DISABLE"}}, api=SECURITY),
        "mutual-tls",
        "PeerAuthentication demo/somebodys turns mutual TLS off",
    ),
    "everybody denied in the namespace": (
        foreign("AuthorizationPolicy", "authorizationpolicies", {"action": "DENY", "rules": [{}]}, api=SECURITY),
        "policies",
        "demo/somebodys refuses",
    ),
    "the peer denied in the whole mesh": (
        foreign(
            "AuthorizationPolicy",
            "authorizationpolicies",
            {"action": "DENY", "rules": [{"from": [{"source": {"principals": ["west.mesh/*"]}}]}]},
            namespace="istio-system",
            api=SECURITY,
        ),
        "policies",
        "istio-system/somebodys refuses west.mesh/ns/demo/sa/echo",
    ),
    "Sidecar of the namespace": (
        foreign("Sidecar", "sidecars", {"egress": [{"hosts": ["./*"]}]}),
        "sidecar-scope",
        "Sidecar demo/somebodys",
    ),
    "Sidecar of the whole mesh": (
        foreign("Sidecar", "sidecars", {"egress": [{"hosts": ["demo/*"]}]}, namespace="istio-system"),
        "sidecar-scope",
        "hides it from all pods",
    ),
    "rule that leads nowhere": (
        foreign(
            "VirtualService",
            "virtualservices",
            {"hosts": ["shop.example"], "http": [{"route": [{"destination": {"host": "nowhere"}}]}]},
        ),
        "istioctl",
        "IST0101",
    ),
    "program of a node ended": (kube_proxy_ended, "lab-clusters", "kube-proxy (pid"),
    "lock of an update that was killed": (lock_left, "lock", "left its lock"),
    "link that drops": (link_dropped, "connections", "could not be made"),
}
