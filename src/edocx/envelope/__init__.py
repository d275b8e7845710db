"""edXML envelopes: bytes to objects and back. Knows no keys, no sockets, no database."""
