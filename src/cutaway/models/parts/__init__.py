"""Parts of networks: activations, layers, initialisers, checkpointing."""
