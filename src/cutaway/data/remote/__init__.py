"""Data elsewhere: object storage and the web, by fsspec; sets too large for a disk in shards."""
