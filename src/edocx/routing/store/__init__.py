"""What lies under the store: tables, migrations, the engine, payloads, and its failures in words."""
