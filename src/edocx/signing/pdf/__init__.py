"""PDF signatures: prepare, complete, verify (PAdES through pyHanko)."""
