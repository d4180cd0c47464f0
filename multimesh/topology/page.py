"""The picture as one page: with tables of the same for those who read or search, and no script."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape

from multimesh.printable import printable
from multimesh.topology.model import Topology
from multimesh.topology.rows import callers, outside, place, ports, preference
from multimesh.topology.style import STYLE
from multimesh.topology.svg import svg

_STYLE = (
    STYLE
    + """
:root { color-scheme: light dark; }
body { margin: 1.5rem; font: 15px/1.5 system-ui, "Helvetica Neue", Arial, sans-serif; background: Canvas;
  color: CanvasText; }
.picture { overflow-x: auto; }
.picture svg { max-width: 100%; min-width: 60rem; height: auto; }
table { border-collapse: collapse; margin: 0 0 2rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem 1.2rem .3rem 0; border-bottom: 1px solid #8886; }
"""
)
_MESHES = ("mesh", "stack", "cluster", "trust domain", "gateway", "from outside", "istiod of", "CA until")
_SERVICES = ("service", "ports", "answered by", "first", "callers", "from outside")


def page(picture: Topology) -> str:
    """Return an HTML page that loads nothing and runs nothing."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    meshes = [
        (
            mesh.name,
            mesh.stack or "this",
            mesh.cluster,
            mesh.trust_domain,
            mesh.gateway,
            " ".join(mesh.ingress),
            mesh.control_plane,
            mesh.ca_expires,
        )
        for mesh in picture.meshes
    ]
    services = [
        (
            one.name,
            ports(one),
            ", ".join(f"{mesh} {place(one, mesh)}" for mesh in one.weights),
            preference(one) or "by weight",
            callers(one, picture.meshes).removeprefix("called "),
            outside(one).removeprefix("from outside: "),
        )
        for one in picture.services
    ]
    lines = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f"""<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{digest}'">""",
        '<meta name="viewport" content="width=device-width">',
        "<title>multimesh topology</title>",
        f"<style>{_STYLE}</style>",
        "</head>",
        "<body>",
        '<main><h1>Meshes and services</h1><div class="picture" tabindex="0" role="region" aria-label="picture">',
        svg(picture, live=True),
        "</div>",
        *_table("Meshes", _MESHES, meshes),
        *_table("Services", _SERVICES, services),
        f"<p>Root CA until {escape(picture.trust.expires) or 'an unknown day'}, SHA-256 "
        f"{escape(printable(picture.trust.fingerprint))}</p>",
        "</main></body></html>",
    ]
    return "\n".join(lines) + "\n"


def _table(heading: str, columns: Sequence[str], body: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"<h2>{heading}</h2><table><thead><tr>",
        *(f'<th scope="col">{name}</th>' for name in columns),
        "</tr></thead><tbody>",
        *("<tr>" + "".join(f"<td>{escape(printable(cell))}</td>" for cell in row) + "</tr>" for row in body),
        "</tbody></table>",
    ]
