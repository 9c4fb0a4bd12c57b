"""People as judges of a network's images, real or drawn: `cutaway judge`."""
