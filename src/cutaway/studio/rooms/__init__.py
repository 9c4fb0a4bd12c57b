"""Eight rooms, one for each chapter of the course: text, questions, and things to try."""

from typing import Any

from cutaway.errors import UsageError
from cutaway.studio.rooms.base import Piece, Room
from cutaway.studio.rooms.convolution import ROOM as CONVOLUTION
from cutaway.studio.rooms.depth import ROOM as DEPTH
from cutaway.studio.rooms.fooled import ROOM as FOOLED
from cutaway.studio.rooms.gates import ROOM as GATES
from cutaway.studio.rooms.graphs import ROOM as GRAPHS
from cutaway.studio.rooms.players import ROOM as PLAYERS
from cutaway.studio.rooms.skips import ROOM as SKIPS
from cutaway.studio.rooms.surfaces import ROOM as SURFACES

ROOMS = {
    room.number: room
    for room in (GATES, GRAPHS, SURFACES, DEPTH, CONVOLUTION, SKIPS, PLAYERS, FOOLED)
}


def room_of(number: Any) -> Room:
    """The room of a number. Raises UsageError where there is none."""
    if not isinstance(number, int) or number not in ROOMS:
        raise UsageError(
            f"There is no room {number}: they have the numbers {', '.join(map(str, ROOMS))}."
        )
    return ROOMS[number]


def piece_of(room: Any, name: Any) -> Piece:
    """A piece of a room. Raises UsageError where there is none."""
    pieces = room_of(room).pieces
    if not isinstance(name, str) or name not in pieces:
        raise UsageError(f"Room {room} has no piece '{name}'.")
    return pieces[name]
