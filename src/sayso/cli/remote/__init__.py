"""The desk of a server: every command is calls of its API, and needs neither a runtime nor a database here."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from sayso.cli.desk import Server
from sayso.cli.remote.log import ServerLog
from sayso.cli.remote.office import ServerKeys, ServerPeople, ServerTokens
from sayso.cli.remote.telling import told
from sayso.cli.remote.work import ServerRuns, ServerSessions, ServerTasks
from sayso.client import Retries, Sayso

_PROMPT = Retries(attempts=4)
"""Somebody waits in front of the terminal."""


class ServerDesk:
    """See `cli.desk.Desk`.

    Args:
        client: Calls the server.
        connect: Makes another client, with other retries.
        options: What a command needs to be said to come to this desk again.
    """

    def __init__(self, client: Sayso, connect: Callable[[Retries], Sayso], options: str) -> None:
        self._client = client
        self.options = options
        self.tasks = ServerTasks(client)
        self.runs = ServerRuns(client, connect, options)
        self.sessions = ServerSessions(client)
        self.audit = ServerLog(client)

    def people(self, workspace: str | None) -> ServerPeople:
        """See the port."""
        return ServerPeople(self._client, workspace)

    def keys(self, workspace: str | None) -> ServerKeys:
        """See the port."""
        return ServerKeys(self._client, workspace)

    def tokens(self, workspace: str | None) -> ServerTokens:
        """See the port."""
        return ServerTokens(self._client, workspace)


@contextmanager
def at_server(server: Server) -> Generator[ServerDesk]:
    """Open the desk of a server; what it refuses, and that it cannot be reached, says what to do next."""

    def connect(retries: Retries) -> Sayso:
        return Sayso(server.url, server.credential or "", retries=retries)

    with told(server), connect(_PROMPT) as client:
        yield ServerDesk(client, connect, server.options)
