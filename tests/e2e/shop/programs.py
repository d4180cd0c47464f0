"""PostgreSQL, Redis and a pod with their clients; a server says in which mesh it runs."""

from collections import Counter

from tests.e2e.shop.kubectl import Kubectl, Pod
from tests.e2e.shop.objects import Manifest, deployment, port, program_container, service

CLIENT = Pod("shop", "client")
DATABASE = {"name": "PGUSER", "value": "shop"}, {"name": "PGDATABASE", "value": "postgres"}

_POSTGRESQL = """
initdb --pgdata=/tmp/data --username=shop --auth=trust --locale=C.UTF-8 --encoding=UTF8 --no-sync
echo 'host all all all trust' >>/tmp/data/pg_hba.conf
exec postgres -D /tmp/data -k /tmp -c listen_addresses=0.0.0.0 -c cluster_name=MESH -c fsync=off
"""
_REDIS = "cd /tmp && exec redis-server --port 6379 --save '' --protected-mode no --dbfilename MESH.rdb"


def client() -> list[Manifest]:
    """A pod that waits for commands."""
    return [deployment("client", program_container("trap exit TERM; sleep infinity & wait", env=list(DATABASE)))]


def postgresql(mesh: str) -> list[Manifest]:
    """A PostgreSQL server, whose `cluster_name` is its mesh. The name of its port says no protocol to Istio."""
    ready = ["psql", "--host=127.0.0.1", "--command=select 1"]
    container = program_container(_POSTGRESQL.replace("MESH", mesh), ready, env=list(DATABASE), **_draining())
    return [deployment("postgres", container), service("postgres", "postgres", port(5432, 5432, "postgres"))]


def redis(mesh: str) -> list[Manifest]:
    """A Redis server, whose `dbfilename` is its mesh's."""
    container = program_container(_REDIS.replace("MESH", mesh), ["redis-cli", "ping"], **_draining())
    return [deployment("redis", container), service("redis", "redis", port(6379, 6379, "redis"))]


def ask_postgresql(kubectl: Kubectl, host: str, connections: int) -> Counter[str]:
    """Count what servers answer to new connections, one after another: the mesh, or the error."""
    return _ask(kubectl, f"psql --host={host} --no-align --tuples-only --command='show cluster_name'", connections)


def ask_redis(kubectl: Kubectl, host: str, connections: int) -> Counter[str]:
    """Count what servers answer to new connections, one after another: the mesh, or the error."""
    said = _ask(kubectl, f"redis-cli -h {host} config get dbfilename", connections)
    return Counter({line.removesuffix(".rdb"): count for line, count in said.items()})


def _ask(kubectl: Kubectl, command: str, connections: int) -> Counter[str]:
    each = f'said=$(timeout 10 {command} 2>&1) || said="failed: $said"; echo "${{said##*$\'\\n\'}}"'
    script = f"for number in {{1..{connections}}}; do {each}; done"
    return Counter(kubectl.run(CLIENT, "bash", "-c", script, timeout=120).text.splitlines())


def _draining() -> Manifest:
    """Serve on for a moment after the pod is taken out of its Service, as servers do that are to lose nothing."""
    return {"lifecycle": {"preStop": {"exec": {"command": ["sleep", "3"]}}}}
