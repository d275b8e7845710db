"""The lower part of the last page: who signs, and who gets it (NĐ 30/2020 Phụ lục I, ô 7, 8, 9)."""

from __future__ import annotations

from dataclasses import dataclass

from edocx.documents import Box
from edocx.fonts import Face
from edocx.letter.content import LetterContent
from edocx.letter.lines import break_balanced, break_paragraph
from edocx.letter.sheet import LEFT, MM, RIGHT, Sheet

TITLE_SIZE = 13.0
NAME_SIZE = 13.0
PLACES_HEADING_SIZE = 12.0
PLACES_SIZE = 11.0
LEADING = 1.2

MIDDLE = LEFT + (RIGHT - LEFT) * 0.48
SIGNATORY_CENTRE = (MIDDLE + RIGHT) / 2 + 6

SIGNATURE_WIDTH, SIGNATURE_HEIGHT = 130.0, 62.0
SEAL = 36 * MM
"""Diameter of the seal, printed in true size."""

GAP_ABOVE = 14.0
"""Between the last line and the block."""


@dataclass(frozen=True, slots=True)
class FootPlaces:
    """Where the signature and the seal go."""

    signature: Box
    seal: Box


@dataclass(frozen=True, slots=True)
class Foot:
    """The block in lines, measured before it is set."""

    titles: tuple[str, ...]
    name: tuple[str, ...]
    places: tuple[str, ...]

    @property
    def height(self) -> float:
        """How much of the page it needs, with the gap above it."""
        signatory = len(self.titles) * TITLE_SIZE * LEADING + SIGNATURE_HEIGHT + 14
        signatory += len(self.name) * NAME_SIZE * LEADING
        places = PLACES_HEADING_SIZE * LEADING + len(self.places) * PLACES_SIZE * LEADING
        # The seal stands lower than the name where the name is one line: 36 mm is more than a signature.
        return GAP_ABOVE + max(signatory, places) + 6


def plan_foot(sheet: Sheet, content: LetterContent) -> Foot:
    """Break the block into lines."""
    width = RIGHT - MIDDLE
    bold = sheet.measure(Face.BOLD, TITLE_SIZE)
    signatory = content.signatory
    titles = [text.upper() for text in (signatory.competence, signatory.position) if text]
    return Foot(
        titles=tuple(line for text in titles for line in break_balanced(text, width, bold)),
        name=tuple(break_balanced(signatory.full_name, width, sheet.measure(Face.BOLD, NAME_SIZE))),
        places=tuple(_place_lines(sheet, content)),
    )


def set_foot(sheet: Sheet, foot: Foot, top: float) -> FootPlaces:
    """Typeset the block below ``top``."""
    top += GAP_ABOVE
    _set_places(sheet, foot, top)
    baseline = top
    for line in foot.titles:
        baseline += TITLE_SIZE * LEADING
        sheet.centre(SIGNATORY_CENTRE, baseline, line, Face.BOLD, TITLE_SIZE)
    above = baseline + 7
    below = above + SIGNATURE_HEIGHT
    left, right = SIGNATORY_CENTRE - SIGNATURE_WIDTH / 2, SIGNATORY_CENTRE + SIGNATURE_WIDTH / 2
    signature = sheet.box(left, above, right, below)
    # Phụ lục I: the seal covers about a third of the signature, on its left.
    edge, middle = left + SIGNATURE_WIDTH / 3, (above + below) / 2
    seal = sheet.box(edge - SEAL, middle - SEAL / 2, edge, middle + SEAL / 2)
    baseline = below + 3
    for line in foot.name:
        baseline += NAME_SIZE * LEADING
        sheet.centre(SIGNATORY_CENTRE, baseline, line, Face.BOLD, NAME_SIZE)
    return FootPlaces(signature, seal)


def _set_places(sheet: Sheet, foot: Foot, top: float) -> None:
    if not foot.places:
        return
    baseline = top + TITLE_SIZE * LEADING
    sheet.put(LEFT, baseline, "Nơi nhận:", Face.BOLD_ITALIC, PLACES_HEADING_SIZE)
    for line in foot.places:
        baseline += PLACES_SIZE * LEADING
        sheet.put(LEFT, baseline, line, Face.REGULAR, PLACES_SIZE)


def _place_lines(sheet: Sheet, content: LetterContent) -> list[str]:
    measure = sheet.measure(Face.REGULAR, PLACES_SIZE)
    width = MIDDLE - LEFT - 10
    lines = []
    for position, place in enumerate(content.to_places, 1):
        end = "." if position == len(content.to_places) else ";"
        lines += [line.text for line in break_paragraph(f"- {place}{end}", width, measure)]
    return lines
