"""Keys, certificates, PDF and XML signatures, and verdicts. Knows no edXML and no axis."""
