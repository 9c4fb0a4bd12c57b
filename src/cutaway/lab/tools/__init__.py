"""What experiments have in common: examples, learning without a run, the processor's clock."""
