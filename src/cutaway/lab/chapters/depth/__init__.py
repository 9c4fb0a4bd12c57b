"""Training deep networks: starts, norms, dropout, decay, stopping, more data, ensembles."""
