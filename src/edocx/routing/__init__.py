"""Routing: moves opaque parcels reliably between offices. It knows no XML, no PDF and no keys.

The pure part (`parcel`, `state`, `transitions`, `retry`, `route`) imports nothing heavy; `database`,
`worker` and `transport.local` bring SQLAlchemy with them and are imported by whoever needs them.
"""
