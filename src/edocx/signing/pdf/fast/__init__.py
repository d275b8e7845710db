"""PDFs read and continued without pyHanko, where they are plain; everything else is left to it.

The reader here understands a strict part of ISO 32000 and gives up (`NotPlain`) on whatever lies outside of it, so
that nothing is ever decided on a guess: who gets `NotPlain` takes the slow way, with its verdict or its refusal.

- `syntax`: objects from bytes; `source`: bytes from a file; `sections`: cross-references; `revisions`: the file;
- `append`, `picture`, `prepare`: a signature appended as a revision of its own;
- `usage`, `steps`, `security_store`: what a later revision changed; `findings`: the signatures, for the verdict.
"""
