"""CMS SignedData: the value in a PDF's signature, and detached beside any file (.p7s)."""
