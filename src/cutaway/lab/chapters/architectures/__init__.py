"""Networks that have a name: their shapes and counts, residual sums, skips, and transfer."""
