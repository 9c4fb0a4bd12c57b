"""What networks are made of: activations, layers, initialisers, what saves memory."""
