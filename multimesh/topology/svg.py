"""The picture as SVG: the same bytes for the same outputs, everything from outside escaped."""

from collections.abc import Iterator, Sequence
from html import escape

from multimesh.printable import printable
from multimesh.topology.layout import CALLERS, GAP, MARGIN, Box, Layout, layout
from multimesh.topology.model import Mesh, Topology
from multimesh.topology.rows import MOST_ROWS, Row, callers, outside, place, rows
from multimesh.topology.style import STYLE

_LETTER = 7.3
"""The average width of a letter in pixels."""
_CELL_WIDTH, _CELL_HEIGHT = 110, 34


def svg(picture: Topology, *, live: bool = False) -> str:
    """Return the picture as one SVG element.

    `live`: for the page that fills in what happens; then each service has a row of its own, and a style sheet that the
    page has is left out.
    """
    drawn = rows(picture.services, len(picture.services) if live else MOST_ROWS)
    where = layout(picture, drawn)
    size = f'width="{where.width:g}" height="{where.height:g}" viewBox="0 0 {where.width:g} {where.height:g}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="topology" {size} role="img" '
        'aria-labelledby="topology-title topology-desc">',
        f'<title id="topology-title">{_text(_title(picture))}</title>',
        f'<desc id="topology-desc">{_text(description(picture))}</desc>',
        *([] if live else [f"<style>{STYLE}</style>"]),
        f'<rect class="ground" width="{where.width:g}" height="{where.height:g}"/>',
        *_trust(picture, where),
        *_outlines(picture, where),
        *_gateway_line(picture, where),
        *(line for mesh, box in zip(picture.meshes, where.cards, strict=True) for line in _card(picture, mesh, box)),
        *([] if where.wide else _headings(picture.meshes, where)),
        *(line for number, row in enumerate(drawn) for line in _row(picture, row, number, where)),
        *_legend(drawn, where),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def description(picture: Topology) -> str:
    """Return the picture in words, for those who do not see it."""
    meshes = [
        f"{mesh.name}{f' of stack {mesh.stack}' if mesh.stack else ''}, gateway {mesh.gateway or 'not known'}"
        for mesh in picture.meshes
    ]
    services = [
        f"{row.all_names}: answered by "
        + ", ".join(f"{mesh} ({place(row.first, mesh)})" for mesh in row.first.weights)
        + f"; {callers(row.first, picture.meshes)}"
        for row in rows(picture.services)
    ]
    return ". ".join([*meshes, *services]) + "."


def _title(picture: Topology) -> str:
    meshes, services = len(picture.meshes), len(picture.services)
    places = "clusters of one mesh" if picture.one_mesh else "meshes"
    if meshes == 1:
        places = "mesh"
    return f"{meshes} {places} under one root CA, {services} exported service{'' if services == 1 else 's'}"


def _trust(picture: Topology, where: Layout) -> Iterator[str]:
    box, trust = where.trust, picture.trust
    if where.wide:
        for mesh, card in zip(picture.meshes, where.cards, strict=True):
            if mesh.control_plane == mesh.name:
                line = f"M{box.middle:g} {box.bottom:g}V{box.bottom + 14:g}H{card.middle:g}V{card.y:g}"
                yield f'<path class="trust" d="{line}"/>'
    yield _rect(box, "trust", 8)
    until = f", until {trust.expires}" if trust.expires else ""
    yield _words(box.middle, box.y + 20, f"root CA{until}", "strong middle", box.width)
    brief = f"SHA-256 {trust.fingerprint[:23]}..." if trust.fingerprint else "signs the CA of every mesh"
    yield _words(box.middle, box.y + 37, brief, "soft middle", box.width)


def _outlines(picture: Topology, where: Layout) -> Iterator[str]:
    """Draw the dashed line around each mesh: one around all clusters if they are one mesh."""
    boxes = [
        Box(card.x, card.y, card.width, (column.bottom if where.wide else card.bottom) - card.y)
        for card, column in zip(where.cards, where.columns, strict=True)
    ]
    if picture.one_mesh:
        left, top = boxes[0].x, boxes[0].y
        right, bottom = max(box.right for box in boxes), max(box.bottom for box in boxes)
        boxes = [Box(left, top, right - left, bottom - top)]
        beside = where.callers if where.wide else right + GAP
        yield _words(beside, top + 12, f"one mesh, {picture.meshes[0].trust_domain}", "of-mesh", CALLERS)
    for mesh, box in zip(picture.meshes, boxes, strict=False):
        yield _rect(box.around(10), "mesh peer" if mesh.stack else "mesh", 14)


def _gateway_line(picture: Topology, where: Layout) -> Iterator[str]:
    """Draw what joins the gateways, behind the cards."""
    if not where.wide or len(where.cards) == 1:
        return
    y = where.cards[0].y + 78
    flat = picture.network == "flat"
    yield f'<path class="gateway" d="M{where.cards[0].middle:g} {y:g}H{where.cards[-1].middle:g}"/>'
    said = ["one network for all pods"] if flat else ["calls cross at the gateways:", "mutual TLS, chosen by SNI"]
    for number, line in enumerate(said):
        yield _words(where.callers, y + number * 17 - 2, line, "of-gateway", CALLERS)


def _card(picture: Topology, mesh: Mesh, box: Box) -> Iterator[str]:
    kind = "another stack" if mesh.stack else f"{mesh.cluster} cluster" if mesh.cluster else ""
    yield f'<g data-mesh="{_text(mesh.name)}">'
    yield _rect(box, "card", 10)
    yield _words(box.x + 14, box.y + 25, mesh.name, "strong", box.width * 0.5)
    yield _words(box.right - 14, box.y + 25, kind, "soft end", box.width * 0.45)
    domain = "" if picture.one_mesh else f"trust domain {mesh.trust_domain}" if mesh.trust_domain else ""
    served = f"istiod of {mesh.control_plane}" if mesh.control_plane != mesh.name else "istiod"
    yield _words(box.x + 14, box.y + 46, domain or served, "soft", box.width - 28)
    gateway = Box(box.x + 14, box.y + 58, box.width - 28, 40)
    yield _rect(gateway, "gateway", 6)
    yield _words(gateway.middle, gateway.y + 17, "gateway", "middle", gateway.width)
    yield _words(gateway.middle, gateway.y + 33, mesh.gateway or "not known", "soft middle", gateway.width)
    entrance = mesh.ingress[-1] if mesh.ingress else f"of stack {mesh.stack}" if mesh.stack else ""
    yield _words(box.x + 14, box.y + 118, entrance, "soft", box.width - 28)
    ca = f"CA until {mesh.ca_expires}" if mesh.ca_expires and mesh.control_plane == mesh.name else ""
    yield _words(box.x + 14, box.y + 139, ca, "of-trust", box.width - 28)
    yield "</g>"


def _headings(meshes: Sequence[Mesh], where: Layout) -> Iterator[str]:
    """Write the names of narrow columns upwards."""
    for mesh, column in zip(meshes, where.columns, strict=True):
        yield _rect(Box(column.x, column.y, column.width, column.height), "column", 4)
        x, y = column.middle + 5, column.y - 8
        words = _words(0, 0, mesh.name, "strong", 104)
        yield f'<g transform="translate({x:g} {y:g}) rotate(-90)">{words}</g>'


def _row(picture: Topology, row: Row, number: int, where: Layout) -> Iterator[str]:
    service, y = row.first, where.rows[number]
    involved = [
        column
        for mesh, column in zip(picture.meshes, where.columns, strict=True)
        if mesh.name in service.weights or mesh.name in (service.callers or {})
    ]
    yield "<g>"
    yield f"<title>{_text(row.all_names)}</title>"
    yield _words(MARGIN, y - 2, row.name, "strong", where.columns[0].x - MARGIN - 14)
    yield _words(MARGIN, y + 15, row.about, "soft", where.columns[0].x - MARGIN - 14)
    if involved:
        yield f'<path class="service" d="M{involved[0].middle:g} {y:g}H{involved[-1].middle:g}"/>'
    for mesh, column in zip(picture.meshes, where.columns, strict=True):
        if mesh.name in service.weights:
            yield from _cell(row, mesh.name, column, y)
        elif mesh.name in (service.callers or {}):
            yield f'<circle class="caller" cx="{column.middle:g}" cy="{y:g}" r="5"/>'
    called = (callers(service, picture.meshes), outside(service))
    for line, (text, style) in enumerate(zip(filter(None, called), ("", "soft"), strict=False)):
        yield _words(where.callers, y + (line * 17 - 2 if all(called) else 5), text, style, CALLERS)
    yield "</g>"


def _cell(row: Row, mesh: str, column: Box, y: float) -> Iterator[str]:
    service = row.first
    width = min(_CELL_WIDTH, column.width - 2)
    box = Box(column.middle - width / 2, y - _CELL_HEIGHT / 2, width, _CELL_HEIGHT)
    bar = Box(box.x + 3, box.bottom - 8, (box.width - 6) * service.shares[mesh], 5)
    yield f'<g data-service="{_text(service.name)}" data-answers="{_text(mesh)}">'
    yield _rect(box, "service", 6)
    if bar.width:
        yield _rect(bar, "share", 2)
    yield _words(column.middle, y + 2, place(service, mesh), "live middle", box.width)
    yield "</g>"


def _legend(drawn: Sequence[Row], where: Layout) -> Iterator[str]:
    y = where.height - MARGIN
    if not drawn:
        yield _words(MARGIN, where.columns[0].y + 20, "nothing is exported", "soft", 300)
        return
    yield _rect(Box(MARGIN, y - 12, 28, 14), "service", 4)
    yield _words(MARGIN + 36, y, "answers, with its share of the requests", "soft", 300)
    yield f'<circle class="caller" cx="{MARGIN + 300:g}" cy="{y - 5:g}" r="5"/>'
    yield _words(MARGIN + 313, y, "may call, and does not answer", "soft", 300)


def _rect(box: Box, style: str, radius: float) -> str:
    return (
        f'<rect class="{style}" x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" '
        f'rx="{radius:g}"/>'
    )


def _words(x: float, y: float, text: str, style: str, width: float) -> str:
    """Write a line; what does not fit is cut, and told by a title."""
    if not text:
        return ""
    most = max(2, int(width / (_LETTER if "soft" not in style else _LETTER - 0.8)))
    whole = printable(text)
    cut = whole if len(whole) <= most else whole[: most - 1] + "…"
    title = f"<title>{escape(whole)}</title>" if cut != whole else ""
    css = f' class="{style}"' if style else ""
    return f'<text{css} x="{x:g}" y="{y:g}">{title}{escape(cut)}</text>'


def _text(text: str) -> str:
    return escape(printable(text))
