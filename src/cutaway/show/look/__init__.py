"""`cutaway look`: what a network is and does, view by view, on one page."""
