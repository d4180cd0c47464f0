"""Faults of a federation, each with the check that names it first and a part of the cause."""

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from cryptography import x509
from sound import (
    MESHES,
    NOW,
    OTHER_ROOT,
    PORT,
    ROOT,
    SERVICE,
    SHORT_ROOT,
    cacerts,
    of_istiod,
    thing,
    with_caller,
    with_cluster,
    with_handshake,
)

from multimesh.check.analysis import Message
from multimesh.check.calls import Call
from multimesh.check.federation import Federation, sni
from multimesh.check.handshake import Handshake
from multimesh.check.istiod_certificate import Presented
from multimesh.check.machine import Lock, Machine
from multimesh.check.made import ISTIO
from multimesh.gateway_api import ROUTES
from multimesh.proxies.cluster import Proxy, Workload
from multimesh.proxies.proxy import ProxyTrust, key_of
from multimesh.verify.counters import Count, cluster_name
from multimesh.verify.replies import Replies

Fault = Callable[[Federation], Federation]
Objects = dict[str, list[Any]]
ALIAS = {"trust_domain_aliases": ["shop.example"]}


def named(objects: Objects, kind: str, name: str) -> Any:
    return next(one for one in objects[kind] if one["metadata"]["name"] == name)


def in_east(change: Callable[[Objects], Any], **fields: Any) -> Fault:
    return lambda sound: with_cluster(sound, "east", lambda objects: change(objects) and None, **fields)


def gone(kind: str, name: str) -> Fault:
    return in_east(lambda objects: objects[kind].remove(named(objects, kind, name)))


def changed(kind: str, name: str, change: Callable[[Any], Any]) -> Fault:
    return in_east(lambda objects: change(named(objects, kind, name)))


def added(kind: str, namespace: str, name: str, spec: Any) -> Fault:
    one = {**thing(kind, namespace, name, spec=spec), "apiVersion": ISTIO[0]}
    return in_east(lambda objects: objects.setdefault(kind, []).append(one))


def with_refused_pods(sound: Federation) -> Federation:
    """The federation with a ReplicaSet of the service whose pods east's API server refuses, and one of another."""
    said = 'pods "web-2" is forbidden: violates PodSecurity "restricted:latest": unrestricted capabilities'
    failed = {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": said}]}
    sets = [
        thing("ReplicaSet", "shop", name, spec={"template": {"metadata": {"labels": {"app": name}}}}, status=status)
        for name, status in (
            ("other", {"conditions": [{**failed["conditions"][0], "message": "other"}]}),
            ("web", failed),
        )
    ]
    return in_east(lambda objects: objects.setdefault("ReplicaSet", []).extend(sets))(sound)


def _of_default(objects: Objects) -> None:
    """Let the webhook be that of a control plane without a revision, as Istio's chart makes it."""
    expressions = [
        {"key": "istio.io/rev", "operator": "In", "values": ["default"]},
        {"key": "istio-injection", "operator": "DoesNotExist"},
    ]
    [hook] = named(objects, "MutatingWebhookConfiguration", "istio-sidecar-injector")["webhooks"]
    hook["namespaceSelector"] = {"matchExpressions": expressions}


def _namespace(objects: Objects, labels: dict[str, str]) -> None:
    objects.setdefault("Namespace", []).append(thing("Namespace", "", "shop", metadata={"labels": labels}))


def policy(spec: Any) -> Fault:
    return added("AuthorizationPolicy", "shop", "somebodys", spec)


def fields(**changes: Any) -> Fault:
    return lambda sound: replace(sound, **changes)


def on_machine(**fields: Any) -> Fault:
    return lambda sound: replace(sound, machine=replace(Machine({}, {}, {}, []), **fields))


def message(level: str, kind: str, namespace: str, name: str, code: str = "IST0101") -> Message:
    return Message(code, level, kind, namespace, name, 'Referenced host not found: "x"', "https://istio.io/ist0101")


def analysed(level: str, kind: str = "VirtualService", namespace: str = "shop", name: str = "canary") -> Fault:
    return lambda sound: replace(sound, analyses={"east": [message(level, kind, namespace, name)], "west": []})


def outputs(change: Callable[[Any], Any]) -> Fault:
    return lambda sound: replace(sound, outputs=change(sound.outputs))


def called(**changes: Any) -> Fault:
    return lambda sound: with_caller(sound, "west", **changes)


def shaken(name: str, seen: Handshake) -> Fault:
    return lambda sound: with_handshake(sound, "east", name, seen)


def one_call(counts: dict[str, Count], replies: Replies) -> Fault:
    return called(calls=[Call(PORT, 20, replies, counts)])


ALL = {mesh: Count(10, 10, 0) for mesh in MESHES}
KNOWN = cluster_name(SERVICE, 80, one_mesh=False)
GATEWAY = "istio-ingressgateway"
TLS_FAILED = Handshake(connected=True, trouble="the TLS handshake failed: self-signed certificate in chain")

LIST = "-----BEGIN X509 CRL-----\neA==\n-----END X509 CRL-----\n"
OTHER_LIST = LIST.replace("eA", "eB")


def revoking(listed: str, *, looked_up: bool = True, trouble: str = "") -> Fault:
    """A CA is revoked; east's cacerts have these lists, and its one proxy looks them up, or not."""

    def change(sound: Federation) -> Federation:
        sound = replace(sound, outputs=sound.outputs.model_copy(update={"root_revocation_lists": LIST}))
        for mesh, text in {"east": listed, "west": LIST}.items():
            files = {**sound.clusters[mesh].cacerts, "ca-crl.pem": base64.b64encode(text.encode()).decode()}
            sound = with_cluster(sound, mesh, lambda _: None, cacerts=files)
        trust = None if trouble else ProxyTrust(frozenset(), "", "", checks_revocation=looked_up)
        web = Workload("east", "shop", "Deployment", "web")
        return replace(sound, proxies={"east": [Proxy(web, "web-1", learns=True, trust=trust, trouble=trouble)]})

    return change


TWO_ROOTS = {"created-1": ROOT, "created-2": OTHER_ROOT}


def rotating(signing: str = "created-1", *, proxies: Any = (), names: Any = None) -> Fault:
    """A rotation that is under way: both roots are trusted everywhere, and every CA is of the root that signs."""

    def change(sound: Federation) -> Federation:
        roots = names or TWO_ROOTS
        sound = outputs(lambda one: one.model_copy(update={"root_ca": roots[signing], "root_cas": roots}))(sound)
        both = ROOT + OTHER_ROOT
        for mesh in MESHES:
            sound = with_cluster(
                sound,
                mesh,
                lambda objects: named(objects, "ConfigMap", "istio-ca-root-cert")["data"].update(
                    {"root-cert.pem": both}
                ),
                cacerts=cacerts(mesh, both, signed_by=roots[signing]),
            )
        return replace(sound, proxies={"east": proxies})

    return change


def proxy(**trusts: Any) -> Proxy:
    """The proxy of a pod, which trusts both roots and has a certificate under the first."""
    keys = [key_of(x509.load_pem_x509_certificate(pem.encode())) for pem in (ROOT, OTHER_ROOT)]
    trust = replace(ProxyTrust(frozenset(keys), "", keys[0], checks_revocation=False), **trusts)
    return Proxy(Workload("east", "shop", "Deployment", "web"), "web-1", learns=True, trust=trust)


def presents(*seen: Presented, **fields: Any) -> Fault:
    """What east's istiod presents, and other fields of its cluster."""
    return lambda sound: replace(
        with_cluster(sound, "east", lambda _: None, **fields), presented={**sound.presented, "east": seen}
    )


def provided_by(provider: str) -> Fault:
    return changed(
        "Deployment",
        "istiod",
        lambda one: one["spec"]["template"]["spec"]["containers"][0].update(
            env=[{"name": "PILOT_CERT_PROVIDER", "value": provider}]
        ),
    )


FAULTS: dict[str, tuple[Fault, str, str]] = {
    "a silent API server": (
        lambda sound: replace(sound, clusters={"west": sound.clusters["west"]}, silent={"east": "no answer"}),
        "api-server",
        "no answer",
    ),
    "a clock that is wrong": (in_east(lambda _: None, seconds_ahead=-300.0), "clock", "300 s behind"),
    "an update that was killed": (
        lambda sound: replace(sound, made=replace(sound.made, pending=["creating urn:x"])),
        "pending-operations",
        "creating urn:x",
    ),
    "no istiod": (gone("Deployment", "istiod"), "istiod-ready", "no Deployment"),
    "istiod without pods": (
        changed("Deployment", "istiod", lambda one: one["status"].clear()),
        "istiod-ready",
        "0 of 1 pods",
    ),
    "istiod scaled to 0": (
        changed("Deployment", "istiod", lambda one: one["spec"].update(replicas=0)),
        "istiod-ready",
        "scaled to 0",
    ),
    "no webhook": (gone("MutatingWebhookConfiguration", "istio-sidecar-injector"), "injection-webhook", "no webhook"),
    "a webhook without CA": (
        changed(
            "MutatingWebhookConfiguration",
            "istio-sidecar-injector",
            lambda one: one.update(webhooks=[{"clientConfig": {}}]),
        ),
        "injection-webhook",
        "no caBundle",
    ),
    "a namespace of a control plane that is gone": (
        in_east(lambda objects: (_of_default(objects), _namespace(objects, {"istio.io/rev": "canary"}))),
        "injected-namespaces",
        "namespace shop has the label istio.io/rev=canary, and no control plane injects sidecars for it",
    ),
    "a proxy of a control plane that is gone": (
        changed("Pod", "web-1", lambda one: one["metadata"].update(annotations={"istio.io/rev": "canary"})),
        "proxies-control-plane",
        "the proxies of web-1 in shop are of control plane canary, which is not there",
    ),
    "DNS capture off": (
        changed("ConfigMap", "istio", lambda one: one["data"].update(mesh="trustDomain: east.mesh")),
        "dns-capture",
        "ISTIO_META_DNS_CAPTURE",
    ),
    "another trust domain": (
        changed(
            "ConfigMap", "istio", lambda one: one["data"].update(mesh=one["data"]["mesh"].replace("east", "cluster"))
        ),
        "trust-domain",
        "trustDomain cluster.mesh",
    ),
    "a webhook that does not answer": (
        in_east(lambda _: None, injects="failed calling webhook: no endpoints"),
        "injection",
        "failed calling webhook: no endpoints",
    ),
    "a lock of a process that has ended": (
        on_machine(locks=[Lock("root@here (pid 7)", runs=False)]),
        "lock",
        "left its lock: root@here (pid 7)",
    ),
    "a cluster whose program has ended": (
        on_machine(faults={"local-east": ["kubelet is not running"]}),
        "lab-clusters",
        "kubelet is not running",
    ),
    "an error that Istio finds": (analysed("Error"), "istioctl", "IST0101: Referenced host not found"),
    "cacerts that istiod has not read": (
        presents(of_istiod("east", former=True)),
        "signing-ca",
        "istiod does not sign with the CA in the Secret cacerts",
    ),
    "somebody who is not listed and gets in": (
        called(calls=[Call(PORT, 20, Replies(), ALL, frozenset(MESHES), admitted=3)]),
        "unlisted-callers",
        "3 of 20 calls were let in, of spiffe://west.mesh/ns/demo/sa/echo, whom the stack does not list",
    ),
    "no cacerts": (in_east(lambda _: None, cacerts={}), "cacerts", "no Secret cacerts"),
    "another root in cacerts": (
        in_east(lambda _: None, cacerts=cacerts("east", OTHER_ROOT, signed_by=OTHER_ROOT)),
        "cacerts",
        "the stack has",
    ),
    "a root of the stack that cacerts lack": (
        outputs(lambda one: one.model_copy(update={"root_cas": {"created-1": ROOT, "created-2": OTHER_ROOT}})),
        "cacerts",
        "the stack has",
    ),
    "a CA of another root": (
        in_east(lambda _: None, cacerts=cacerts("east", signed_by=OTHER_ROOT)),
        "cacerts",
        "nobody signed",
    ),
    "a CA of another mesh": (in_east(lambda _: None, cacerts=cacerts("west")), "cacerts", "may sign for west.mesh"),
    "a root that may sign for no CA": (
        lambda sound: in_east(lambda _: None, cacerts=cacerts("east", SHORT_ROOT))(
            outputs(lambda one: one.model_copy(update={"root_ca": SHORT_ROOT, "root_cas": {}}))(sound)
        ),
        "cacerts",
        "may have 0 CAs below it, and has 1",
    ),
    "cacerts that are no PEM": (in_east(lambda _: None, cacerts={"ca-cert.pem": "eA=="}), "cacerts", "cannot be read"),
    "an expired CA in cacerts": (in_east(lambda _: None, cacerts=cacerts("east", days=1)), "expiry", "it expired"),
    "an expired CA in the outputs": (
        outputs(lambda one: one.model_copy(update={"root_ca_expires": "2026-01-01T00:00:00Z"})),
        "expiry",
        "it expired on 2026-01-01",
    ),
    "another root in namespaces": (
        changed("ConfigMap", "istio-ca-root-cert", lambda one: one["data"].update({"root-cert.pem": OTHER_ROOT})),
        "distributed-root",
        "the stack has another",
    ),
    "a sidecar of another trust domain": (
        called(identities=["spiffe://cluster.local/ns/demo/sa/echo"]),
        "proxy-certificate",
        "cluster.local",
    ),
    "a sidecar whose certificate expired": (
        called(expires=NOW - timedelta(hours=1)),
        "proxy-certificate",
        "expired on",
    ),
    "one trust domain for two meshes": (
        outputs(
            lambda one: one.model_copy(
                update={"meshes": dict.fromkeys(MESHES, one.meshes["east"])},
            )
        ),
        "trust-domain",  # west's MeshConfig says another one
        "the stack east.mesh",
    ),
    "an alias that MeshConfig lacks": (
        outputs(
            lambda one: one.model_copy(
                update={"meshes": {mesh: one.meshes[mesh].model_copy(update=ALIAS) for mesh in MESHES}}
            )
        ),
        "trust-domain",
        "MeshConfig has trustDomainAliases none, the stack shop.example",
    ),
    "a proxy that accepts a revoked CA": (
        revoking(LIST, looked_up=False),
        "revoked-refused",
        "has no revocation lists: it accepts a revoked CA",
    ),
    "cacerts without revocation lists": (revoking(""), "revocation-lists", "has no revocation lists"),
    "cacerts with other revocation lists": (
        revoking(OTHER_LIST),
        "revocation-lists",
        "not the stack's revocation lists",
    ),
    "a ServiceEntry that is gone": (gone("ServiceEntry", SERVICE), "drift", "is gone"),
    "a ServiceEntry with another address": (
        changed("ServiceEntry", SERVICE, lambda one: one["spec"]["endpoints"][0].update(address="198.51.100.1")),
        "drift",
        'spec.endpoints[0].address is "198.51.100.1", not "192.0.2.1"',
    ),
    "a rule with a field more": (
        changed("DestinationRule", SERVICE, lambda one: one["spec"].update(trafficPolicy={})),
        "drift",
        "spec.trafficPolicy was added",
    ),
    "a policy that is gone": (gone("AuthorizationPolicy", SERVICE), "drift", "is gone"),
    "a Gateway with a host more": (
        changed("Gateway", "peers", lambda one: one["spec"]["servers"][0]["hosts"].append("*.local")),
        "drift",
        "spec.servers[0].hosts",
    ),
    "no gateway": (gone("Deployment", GATEWAY), "gateway-ready", "no Deployment"),
    "a gateway without pods": (
        changed("Deployment", GATEWAY, lambda one: one.update(status={})),
        "gateway-ready",
        "0 of 1 pods",
    ),
    "no Service of the gateway": (gone("Service", GATEWAY), "gateway-address", "no Service"),
    "another node port": (
        changed("Service", GATEWAY, lambda one: one["spec"]["ports"][1].update(nodePort=31444)),
        "gateway-address",
        "no port 31443 for peers, only 15443, 31444",
    ),
    "another load balancer": (
        changed(
            "Service", GATEWAY, lambda one: one.update(status={"loadBalancer": {"ingress": [{"ip": "192.0.2.9"}]}})
        ),
        "gateway-address",
        "192.0.2.9",
    ),
    "a second Gateway on the port": (
        added(
            "Gateway",
            "shop",
            "own",
            {"selector": {"istio": "ingressgateway"}, "servers": [{"port": {"number": 15443}}]},
        ),
        "gateway-foreign",
        "shop/own",
    ),
    "a gateway that closes what is exported": (
        shaken(sni(PORT), Handshake(connected=True, closed=True)),
        "gateway-exports",
        "closes connections",
    ),
    "a workload of another root": (shaken(sni(PORT), TLS_FAILED), "gateway-exports", "self-signed"),
    "a workload of another mesh": (
        shaken(sni(PORT), Handshake(connected=True, identities=("spiffe://west.mesh/ns/shop/sa/web",))),
        "gateway-exports",
        "answered by spiffe://west.mesh",
    ),
    "a gateway that passes on what is not exported": (
        shaken("outbound_.443_._.kubernetes.default.svc.cluster.local", Handshake(connected=True, identities=("x",))),
        "gateway-closed",
        "not exported",
    ),
    "a workload that takes callers without a certificate": (
        shaken(sni(PORT), Handshake(connected=True, identities=("spiffe://east.mesh/ns/shop/sa/web",), admitted=True)),
        "gateway-anonymous",
        "goes on with a caller that has no certificate",
    ),
    "a Service that is gone": (gone("Service", "web"), "service", "no Service web"),
    "a Service with another port": (
        changed("Service", "web", lambda one: one["spec"]["ports"][0].update(port=8080)),
        "service",
        "no port 80, only 8080",
    ),
    "a Service of another protocol": (
        changed("Service", "web", lambda one: one["spec"]["ports"][0].update(appProtocol="redis")),
        "service",
        "port 80 is tcp by its appProtocol redis, its routes are http",
    ),
    "a selector of nobody": (
        changed("Service", "web", lambda one: one["spec"].update(selector={"app": "wep"})),
        "service-pods",
        "no pod has app=wep",
    ),
    "a pod that Pod Security refuses": (
        lambda sound: with_refused_pods(gone("Pod", "web-1")(sound)),
        "service-pods",
        'no pod has app=web: pods "web-2" is forbidden: violates PodSecurity',
    ),
    "a pod that is not ready": (
        changed("Pod", "web-1", lambda one: one["status"].clear()),
        "service-pods",
        "none of the 1 pods",
    ),
    "a pod without a sidecar": (
        changed("Pod", "web-1", lambda one: one["spec"]["containers"].pop()),
        "sidecars",
        "web-1",
    ),
    "somebody's VirtualService": (
        added("VirtualService", "shop", "canary", {"hosts": [SERVICE]}),
        "foreign-rules",
        "VirtualService shop/canary",
    ),
    "somebody's DestinationRule": (
        added("DestinationRule", "shop", "tls", {"host": SERVICE}),
        "foreign-rules",
        "DestinationRule shop/tls",
    ),
    "somebody's ServiceEntry": (
        added("ServiceEntry", "shop", "external", {"hosts": [SERVICE]}),
        "foreign-rules",
        "ServiceEntry shop/external",
    ),
    "somebody's DestinationRule for many hosts": (
        added("DestinationRule", "shop", "all", {"host": "*.global"}),
        "foreign-rules",
        "DestinationRule shop/all",
    ),
    "somebody's HTTPRoute of the ServiceEntry": (
        added("HTTPRoute", "istio-system", "split", {"parentRefs": [{"kind": "ServiceEntry", "name": SERVICE}]}),
        "foreign-rules",
        "HTTPRoute istio-system/split",
    ),
    "mutual TLS off": (
        added("PeerAuthentication", "shop", "off", {"mtls": {"mode": "DISABLE"}}),
        "mutual-tls",
        "PeerAuthentication shop/off",
    ),
    "a Sidecar that hides it from all": (
        added(
            "Sidecar", "istio-system", "default", {"egress": [{"hosts": ["./*"]}]} | {"egress": [{"hosts": ["~/*"]}]}
        ),
        "sidecar-scope",
        "hides it from all pods",
    ),
    "a Sidecar of the namespace": (
        added("Sidecar", "shop", "default", {"egress": [{"hosts": ["./*"]}]}),
        "sidecar-scope",
        "Sidecar shop/default",
    ),
    "a policy that denies all": (policy({"action": "DENY", "rules": [{}]}), "policies", "shop/somebodys refuses"),
    "a policy that allows nobody": (
        added(
            "AuthorizationPolicy",
            "shop",
            "none",
            {"action": "DENY", "rules": [{"from": [{"source": {"notPrincipals": ["east.mesh/*"]}}]}]},
        ),
        "policies",
        "shop/none refuses west.mesh/ns/demo/sa/echo",
    ),
    "a connection that cannot be made": (
        one_call({"east": Count(0, 0, 4), "west": Count(20, 20, 0)}, Replies()),
        "connections",
        "4 connections to east (192.0.2.1:31443)",
    ),
    "a link that drops what is sent on old connections": (
        one_call({"east": Count(3, 0, 4), "west": Count(17, 17, 0)}, Replies()),
        "connections",
        "4 connections to east (192.0.2.1:31443)",
    ),
    "connections that cannot be made, and calls that fail": (
        one_call({"east": Count(3, 3, 4), "west": Count(10, 10, 0)}, Replies({"503": 3})),
        "connections",
        "4 connections to east (192.0.2.1:31443)",
    ),
    "a mesh that is ejected": (
        called(ejected={KNOWN: frozenset({"east"})}),
        "connections",
        "east (192.0.2.1:31443) is ejected",
    ),
    "a service that no sidecar knows": (called(known=frozenset()), "pushed", "has not been told"),
    "calls that fail": (one_call(ALL, Replies({"timeout": 3})), "answers", "3 of 20 calls failed: timeout"),
    "calls without an answer": (one_call(ALL, Replies(unknown="no such host")), "answers", "no such host"),
}

WARNINGS: dict[str, tuple[Fault, str, str]] = {
    "cacerts that were changed a minute ago": (
        presents(of_istiod("east", former=True), cacerts_changed=NOW - timedelta(minutes=1)),
        "signing-ca",
        "the Secret cacerts was changed 60 s ago",
    ),
    "a root that istiod has not given to proxies yet": (
        in_east(
            lambda objects: named(objects, "ConfigMap", "istio-ca-root-cert")["data"].update(
                {"root-cert.pem": OTHER_ROOT}
            ),
            cacerts_changed=NOW - timedelta(seconds=10),
        ),
        "distributed-root",
        "the stack has another; the Secret cacerts was changed 10 s ago",
    ),
    "a connection that was made at the second attempt": (
        one_call({"east": Count(10, 10, 1), "west": Count(10, 10, 0)}, Replies()),
        "connections",
        "1 connections to east (192.0.2.1:31443)",
    ),
    "somebody who gets in just after a policy was written": (
        lambda sound: called(calls=[Call(PORT, 20, Replies(), ALL, frozenset(MESHES), admitted=3)])(
            changed(
                "AuthorizationPolicy",
                SERVICE,
                lambda one: one["metadata"].update(creationTimestamp=(NOW - timedelta(seconds=20)).isoformat()),
            )(sound)
        ),
        "unlisted-callers",
        "its policies were written 20 s ago",
    ),
    "the first step of a rotation": (
        rotating(proxies=[proxy()]),
        "rotation",
        "step 1 of 3, every mesh trusts created-1 and created-2, and created-1 signs; next, created-2 signs",
    ),
    "the second step of a rotation": (
        rotating("created-2", proxies=[]),
        "rotation",
        "step 2 of 3, every mesh signs under created-2; next, created-1 is dropped",
    ),
    "the rotation to or from a root of one's own": (
        rotating(names={"created-1": ROOT, "brought-1": OTHER_ROOT}),
        "rotation",
        "step 1 of 3, every mesh trusts created-1 and brought-1, and created-1 signs; next, brought-1 signs; or, if",
    ),
    "an update that is under way": (
        on_machine(locks=[Lock("root@here (pid 7)", runs=True)]),
        "lock",
        "an update is under way",
    ),
    "a cluster that the state does not have": (
        on_machine(strays={"mm000001": "local-north"}),
        "lab-remains",
        "its state does not have it",
    ),
    "what is left of a cluster": (
        on_machine(remains={"mm000002": ["link", "network namespace"]}),
        "lab-remains",
        "link, network namespace of cluster mm000002",
    ),
    "a warning of Istio": (analysed("Warning"), "istioctl", "IST0101: Referenced host not found"),
    "a CA that expires soon": (in_east(lambda _: None, cacerts=cacerts("east", days=31)), "expiry", "in 30 days"),
    "a gateway out of reach": (
        lambda sound: replace(
            sound,
            gateways={
                **sound.gateways,
                "east": dict.fromkeys(sound.gateways["east"], Handshake(connected=False, trouble="timed out")),
            },
        ),
        "gateway-reachable",
        "timed out",
    ),
    "plaintext is admitted": (
        added("PeerAuthentication", "shop", "both", {"mtls": {"mode": "PERMISSIVE"}}),
        "mutual-tls",
        "admits plaintext",
    ),
    "a rule for the Service's own name": (
        added("VirtualService", "shop", "canary", {"hosts": ["web"]}),
        "foreign-rules",
        "VirtualService shop/canary",
    ),
    **{
        f"a {kind} for the Service's own name": (
            added(kind, "shop", "split", {attached: [{"kind": "Service", "name": "web"}]}),
            "foreign-rules",
            f"{kind} shop/split is for the Service's own name",
        )
        for kind, attached in {**dict.fromkeys(ROUTES, "parentRefs"), "BackendTLSPolicy": "targetRefs"}.items()
    },
    "a NetworkPolicy": (
        added("NetworkPolicy", "shop", "deny", {"podSelector": {}}),
        "network-policies",
        "NetworkPolicy deny",
    ),
    "a policy that allows some": (
        policy({"action": "ALLOW", "rules": [{"from": [{"source": {"namespaces": ["shop"]}}]}]}),
        "policies",
        "shop/somebodys does not admit east.mesh/ns/demo/sa/echo",
    ),
    "a policy that asks for a path": (
        policy({"action": "DENY", "rules": [{"to": [{"operation": {"paths": ["/admin"]}}]}]}),
        "policies",
        "depends on AuthorizationPolicy shop/somebodys",
    ),
    "another version of istiod": (
        changed(
            "Deployment",
            "istiod",
            lambda one: one["spec"]["template"]["spec"]["containers"][0].update(image="istio/pilot:1.30.1"),
        ),
        "istiod-versions",
        "east: 1.30.1",
    ),
    "an answer that is an error": (one_call(ALL, Replies(remarkable={"500": 2})), "answers", "2 of 20 answers: 500"),
}

HARMLESS: dict[str, Fault] = {
    "a port of the same number on UDP": changed(
        "Service", "web", lambda one: one["spec"]["ports"].append({"port": 80, "protocol": "UDP", "name": "tls"})
    ),
    "a port whose protocol Istio detects": changed(
        "Service", "web", lambda one: one["spec"]["ports"][0].update(name="entry")
    ),
    "a refusal of somebody who is not listed": called(
        calls=[Call(PORT, 20, Replies(remarkable={"refused: 403": 20}), ALL, frozenset(MESHES))]
    ),
    "a refusal by the one mesh that must refuse": called(
        calls=[Call(PORT, 20, Replies(remarkable={"refused: 403": 10}), ALL, frozenset({"east"}))]
    ),
    "a certificate of istiod that was signed before cacerts were written again": presents(
        of_istiod("east"), cacerts_changed=NOW
    ),
    "a certificate of istiod that Istio's CA signs by another name": provided_by("istiod"),
    "what Istio finds in a namespace that exports nothing": analysed("Error", namespace="other"),
    "what Istio finds of a namespace that exports nothing": analysed("Error", "Namespace", "other", "other"),
    "what Istio finds in no namespace": analysed("Error", "CustomResourceDefinition", "", "gateways.example"),
    "a VirtualService of the same host for a gateway alone": added(
        "VirtualService", "shop", "entry", {"hosts": [SERVICE], "gateways": ["shop/entry"]}
    ),
    "an HTTPRoute for a gateway": added("HTTPRoute", "shop", "entry", {"parentRefs": [{"name": "entry"}]}),
    "a DestinationRule that says what sidecars do anyway": added(
        "DestinationRule", "shop", "mtls", {"host": "web", "trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}}}
    ),
    "a default for the whole mesh": added(
        "DestinationRule", "istio-system", "all", {"host": "*.local", "trafficPolicy": {"tls": {"mode": "DISABLE"}}}
    ),
}
