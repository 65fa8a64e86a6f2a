"""Durable state: a TinyDB database on an append-only journal, and content-addressed blobs."""
