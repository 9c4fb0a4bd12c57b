"""Parts that experiments share: examples, learning without a run, the processor's clock."""
