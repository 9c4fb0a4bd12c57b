"""What pages ask of a scene, whether its network learns or stands still."""

from collections.abc import Callable

from cutaway.errors import CutawayError
from cutaway.learn.interventions import kernel
from cutaway.studio.inside import Insides
from cutaway.studio.looking import Looking
from cutaway.studio.pictures import picture_of
from cutaway.studio.wire import Inbox, Message, Outbox


def take_all(
    inbox: Inbox, outbox: Outbox, take: Callable[[Message], None], seconds: float = 0.0
) -> None:
    """Do what waits to be done, and say what cannot be.

    Args:
        seconds: to wait for the first request.
    """
    message = inbox.next(seconds)
    while message is not None:
        try:
            take(message)
        except CutawayError as error:
            outbox.say({"kind": "said", "text": str(error), "tone": "error"})
        except (KeyError, TypeError, ValueError, AttributeError):  # of a page gone wrong
            text = "The page has sent something that is no request."
            outbox.say({"kind": "said", "text": text, "tone": "error"})
        message = inbox.next()


def look(
    message: Message, looking: Looking, insides: Insides, begun: Callable[[], Message]
) -> bool:
    """Look at what a message asks for; False where it asks for something else.

    Args:
        begun: what pages are told of the run once its options have changed.
    """
    scene, outbox = looking.scene, looking.outbox
    if "look" in message:
        looking.ask(message["look"])
    elif "drawn" in message:
        looking.budget.drawn(message["drawn"])
    elif "picture" in message:
        scene.own = picture_of(message["picture"])
        looking.renew()
        outbox.say(begun())
    elif "ask" in message:
        place = message["ask"]["kernel"]
        outbox.say({"kind": "kernel", **kernel(scene.model, place["layer"], place["unit"])})
    elif "inside" in message:
        insides.take(message["inside"])
    else:
        return False
    return True
