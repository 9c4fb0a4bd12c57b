"""Inspection: what happens inside any `nn.Module`, ours or not, while it learns or after."""
