"""XML signatures: prepare, complete, XAdES properties, verify."""
