"""Chapter 8: what trained networks are weak at, and what using them costs."""
