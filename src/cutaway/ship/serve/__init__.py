"""A trained network that answers over HTTP: `cutaway serve`."""
