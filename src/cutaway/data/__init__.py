"""What comes in: sources, packed image sets, audit, split, augmentation, feeding."""
