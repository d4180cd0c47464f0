"""Where everything stands in the picture: lengths in pixels, from the top left."""

from collections.abc import Sequence
from dataclasses import dataclass

from multimesh.topology.model import Topology
from multimesh.topology.rows import Row

MARGIN, GAP = 20, 36
TRUST_HEIGHT, TRUST_WIDTH = 46, 330
CARD_WIDTH, CARD_HEIGHT = 226, 152
LABEL, CALLERS = 236, 300
"""The widths of what stands before and after the lines of the services."""
HEADING = 112
"""The height of the names of narrow columns, which are written upwards."""
NARROW, NARROW_GAP = 46, 4
MOST_WIDE = 4
"""Of more meshes, the cards stand in several rows, and the columns below are narrow."""
ROW = 46


@dataclass(frozen=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Half-way from left to right."""
        return self.x + self.width / 2

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.y + self.height

    def around(self, space: float) -> "Box":
        """Return the rectangle with so much space around it."""
        return Box(self.x - space, self.y - space, self.width + 2 * space, self.height + 2 * space)


@dataclass(frozen=True)
class Layout:
    """The places of a picture's parts."""

    wide: bool
    """Whether each mesh is one column, its card above its services."""
    width: float
    height: float
    trust: Box
    cards: Sequence[Box]
    """In the order of the meshes."""
    columns: Sequence[Box]
    """In the same order: where the lines of services cross a mesh."""
    rows: Sequence[float]
    """The middle of each line, from the top."""
    callers: float
    """Where what stands after the lines begins."""


def layout(picture: Topology, rows: Sequence[Row]) -> Layout:
    """Return where everything stands."""
    count = len(picture.meshes)
    wide = count <= MOST_WIDE
    top = MARGIN + TRUST_HEIGHT + 44
    lines = MARGIN + LABEL + GAP + count * (NARROW + NARROW_GAP) + GAP + CALLERS
    per_row = count if wide else lines // (CARD_WIDTH + GAP)
    left = MARGIN + LABEL + GAP if wide else MARGIN + 14
    cards = [
        Box(
            left + (number % per_row) * (CARD_WIDTH + GAP),
            top + (number // per_row) * (CARD_HEIGHT + GAP),
            CARD_WIDTH,
            CARD_HEIGHT,
        )
        for number in range(count)
    ]
    below = max((card.bottom for card in cards), default=top)
    start = below + (14 if wide else HEADING + GAP)
    height = max(1, len(rows)) * ROW
    if wide:
        columns = [Box(card.x, start, card.width, height) for card in cards]
    else:
        first = MARGIN + LABEL + GAP
        columns = [Box(first + number * (NARROW + NARROW_GAP), start, NARROW, height) for number in range(count)]
    callers = columns[-1].right + GAP
    width = max(callers + CALLERS, max(card.right for card in cards) + 14) + MARGIN
    middle = (cards[0].x + cards[min(per_row, count) - 1].right) / 2
    trust = Box(middle - TRUST_WIDTH / 2, MARGIN, TRUST_WIDTH, TRUST_HEIGHT)
    if trust.x < MARGIN:
        trust = Box(MARGIN, MARGIN, TRUST_WIDTH, TRUST_HEIGHT)
    return Layout(
        wide,
        width,
        start + height + 52,
        trust,
        cards,
        columns,
        [start + (number + 0.5) * ROW for number in range(len(rows))],
        callers,
    )
