"""What lets deep networks learn: starts, norms, dropout, decay, stopping, more data, ensembles."""
