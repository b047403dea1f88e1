"""The workspace in which a key or token works."""

from sayso.client import Sayso
from sayso.model.directoryerrors import WorkspaceNotFound
from sayso.model.workspaces import WorkspaceId


def own_workspace(client: Sayso, named: str | None) -> WorkspaceId:
    """Return the workspace of whoever asks, which must be the one that is named, if one is.

    Raises:
        WorkspaceNotFound: Another is named.
    """
    own = WorkspaceId(client.get_me().workspace.id)
    if named is not None and named != own:
        raise WorkspaceNotFound(
            f"Expected workspace {named}, but the key or token works in {own} alone.",
            hint="Present a key or token of the other workspace by SAYSO_API_KEY.",
        )
    return own
