"""Chapter 3: how the loss is brought down, and where that ends."""
