"""Draw docs/rooms.svg: the rooms of the code, and which room imports which. Run it with `make picture`."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
PICTURE = CHECKOUT / "docs/rooms.svg"
PACKAGES = ("components", "multimesh", "lab")

LAYERS = (
    ("__main__",),
    ("outputs", "preflight", "echo"),
    ("federation",),
    ("settings",),
    ("mesh",),
    ("trust",),
    ("clusters",),
    ("dynamic_errors", "envoy", "istio", "objects", "ports", "routing", "schema", "versions"),
    ("lab",),
    ("multimesh",),
)
"""The rooms from the top down: a room may import only what stands below it. A room that is named nowhere comes last."""

PURPOSES = {
    "__main__": "the order of creation",
    "outputs": "what the stack exports",
    "preflight": "what the world must have ready",
    "echo": "the sample service",
    "federation": "services that cross meshes",
    "settings": "what a stack may configure",
    "mesh": "Istio in one cluster",
    "trust": "root CA, intermediate CAs",
    "dynamic_errors": "without tracebacks",
    "envoy": "what Istio cannot say",
    "istio": "Istio's objects as plain data",
    "objects": "Kubernetes objects as resources",
    "ports": "ports and protocols",
    "routing": "a service's routes as plain data",
    "schema": "names, networks, mistakes",
    "versions": "of Istio and Kubernetes",
    "multimesh": "the outputs' shape, verify",
    "lab": "real clusters on one machine",
}
"""What a room is for. A room without an entry shows the folders that it has."""

COLOURS = ("#334155", "#0e7490", "#1d4ed8", "#7c3aed", "#4f46e5", "#a16207", "#15803d", "#475569", "#9f1239", "#be185d")
"""One for each layer."""

_MARGIN, _WIDTH, _HEIGHT, _STEP, _ROW = 20, 208, 40, 52, 54
_LINE_IN = 184  # from a box's left edge to the line that ends in it: right of the box above
_LINE_BACK = 24  # to the line that runs back up into it: left of the box below

Arrow = tuple[str, str]


def room(module: str) -> str:
    """Return the room of a module: its folder or file in components/, or the top-level package."""
    package, *inside = module.split(".")
    return inside[0] if package == "components" and inside else package


def modules() -> Iterator[tuple[str, Path]]:
    """Yield every module of the program, the command line and the lab, with its file."""
    yield "__main__", CHECKOUT / "__main__.py"
    for package in PACKAGES:
        for path in sorted((CHECKOUT / package).rglob("*.py")):
            name = ".".join(path.relative_to(CHECKOUT).with_suffix("").parts).removesuffix(".__init__")
            if name != "components":
                yield name, path


def imported(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports, wherever in the file. The code has no relative imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_and_arrows() -> tuple[list[str], set[Arrow]]:
    """Return the rooms from the top down, and (importing room, imported room) for each pair."""
    files = list(modules())
    found = {room(name) for name, _ in files}
    listed = [name for layer in LAYERS for name in layer if name in found]
    arrows = {
        (room(name), room(other))
        for name, path in files
        for other in imported(path)
        if other.split(".")[0] in PACKAGES and room(other) != room(name)
    }
    return [*listed, *sorted(found - set(listed))], arrows


def _purpose(name: str) -> str:
    folders = sorted(path.parent.name for path in (CHECKOUT / "components" / name).glob("*/__init__.py"))
    return PURPOSES.get(name, ", ".join(folders))


def _colour(name: str) -> str:
    return next((colour for layer, colour in zip(LAYERS, COLOURS, strict=True) if name in layer), COLOURS[0])


def _box(name: str, at: int) -> list[str]:
    x, y, colour = _MARGIN + at * _STEP, _MARGIN + at * _ROW, _colour(name)
    title = {"__main__": "__main__.py", "multimesh": "multimesh/", "lab": "lab/"}.get(name, name)
    middle = x + _WIDTH // 2
    return [
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6" fill="#ffffff"/>',
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6" '
        f'fill="{colour}" fill-opacity=".1" stroke="{colour}"/>',
        f'<text x="{middle}" y="{y + 17}" font-weight="bold" fill="#0f172a">{title}</text>',
        f'<text x="{middle}" y="{y + 32}" font-size="11" fill="#475569">{_purpose(name)}</text>',
    ]


def _lines(order: list[str], arrows: Iterable[Arrow]) -> list[str]:
    """Draw a line from each room, to the right, and one into each, from above; a dot where the one imports the other.

    An import that runs back up is red, to the left and up.
    """
    place = {name: at for at, name in enumerate(order)}
    pairs = sorted((place[one], place[other]) for one, other in arrows)
    down = [pair for pair in pairs if pair[0] < pair[1]]
    drawn = []
    for source in sorted({source for source, _ in down}):
        furthest = max(target for one, target in down if one == source)
        x, y = _MARGIN + source * _STEP + _WIDTH, _MARGIN + source * _ROW + _HEIGHT // 2
        end = _MARGIN + furthest * _STEP + _LINE_IN
        drawn.append(f'<path d="M{x} {y}H{end}" stroke="{_colour(order[source])}" stroke-opacity=".45"/>')
    for target in sorted({target for _, target in down}):
        highest = min(source for source, other in down if other == target)
        x, top = _MARGIN + target * _STEP + _LINE_IN, _MARGIN + highest * _ROW + _HEIGHT // 2
        y, colour = _MARGIN + target * _ROW, _colour(order[target])
        drawn.append(f'<path d="M{x} {top}V{y - 7}" stroke="{colour}" stroke-opacity=".7"/>')
        drawn.append(f'<path d="M{x - 4.5} {y - 8}h9l-4.5 8z" fill="{colour}" stroke="none"/>')
        drawn += [
            f'<circle cx="{x}" cy="{_MARGIN + source * _ROW + _HEIGHT // 2}" r="4" fill="{colour}" stroke="none"/>'
            for source, other in down
            if other == target
        ]
    for source, target in pairs:
        if source > target:
            x, y = _MARGIN + source * _STEP, _MARGIN + source * _ROW + _HEIGHT // 2
            up, end = _MARGIN + target * _STEP + _LINE_BACK, _MARGIN + target * _ROW + _HEIGHT
            drawn.append(f'<path d="M{x} {y}H{up}V{end}" stroke="#dc2626" stroke-width="2"/>')
    return drawn


def picture() -> str:
    """Return the picture as SVG: the same bytes for the same code."""
    order, arrows = rooms_and_arrows()
    width = 2 * _MARGIN + (len(order) - 1) * _STEP + _WIDTH
    height = 2 * _MARGIN + (len(order) - 1) * _ROW + _HEIGHT
    legend_x, legend_y = _MARGIN, height - 130
    place = {name: at for at, name in enumerate(order)}
    legend_back = [
        f'<path d="M{legend_x} {legend_y + 40}h11" stroke="#dc2626" stroke-width="2"/>',
        f'<text x="{legend_x + 18}" y="{legend_y + 44}">an import that runs back up: not allowed</text>',
    ]
    if all(place[one] < place[other] for one, other in arrows):
        legend_back = [f'<text x="{legend_x + 18}" y="{legend_y + 44}">no import runs back up</text>']
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="Helvetica, Arial, sans-serif" font-size="14">',
        "<title>The rooms of the code from the top down; every import runs from a room to one below it</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#ffffff"/>',
        '<g fill="none" stroke-width="1.5">',
        *_lines(order, arrows),
        "</g>",
        '<g text-anchor="middle">',
        *(line for at, name in enumerate(order) for line in _box(name, at)),
        "</g>",
        '<g font-size="13" fill="#475569">',
        f'<circle cx="{legend_x + 5}" cy="{legend_y - 4}" r="4" fill="#334155"/>',
        f'<text x="{legend_x + 18}" y="{legend_y}">the room whose line starts at the left</text>',
        f'<text x="{legend_x + 18}" y="{legend_y + 18}">imports the room in which the line ends</text>',
        *legend_back,
        f'<text x="{legend_x}" y="{legend_y + 80}">{len(order)} rooms, {len(arrows)} arrows</text>',
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PICTURE.write_text(picture())
