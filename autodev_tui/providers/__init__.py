"""Language models behind one protocol; no SDK type leaves this package."""
