"""A tool's arguments between their two forms: sealed, as they are stored and shown, and open, as its code gets them.

Tools without secrets know one form only, and nothing here touches it.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from sayso.core.confiding import MASK, Vault, masked, masks_left
from sayso.model.json import Json
from sayso.model.messages import AssistantMessage, Proposal
from sayso.programs.agent.tools import Tool

_UNREAD = "(not shown: it has secret arguments, and is no JSON object)"


@dataclass(frozen=True, slots=True)
class Sealing:
    """One tool with the secrets of a run; without a vault nothing is opened, and nothing checked."""

    tool: Tool
    vault: Vault | None = None

    def plain(self, sealed: Mapping[str, Json], *, partly: bool = False) -> tuple[dict[str, Json], tuple[str, ...]]:
        """Return sealed arguments as they would be executed, sealed, and what stands against them."""
        if self.vault is None:
            return (dict(sealed), ()) if self.tool.has_secrets else self.tool.plain(sealed, partly=partly)
        opened = self.opened(sealed)
        left = masks_left(cast("Json", self.tool.whole_schema), opened)
        if left:
            return dict(sealed), (f"{', '.join(left)}: {MASK} is the mask of a secret, and no value",)
        whole, found = self.tool.plain(opened, partly=partly)
        return self.sealed(whole), tuple(self.vault.clean(problem) for problem in found)

    def opened(self, sealed: Mapping[str, Json]) -> dict[str, Json]:
        """Return arguments as the tool's code gets them."""
        if self.vault is None:
            return dict(sealed)
        return self.vault.open(cast("Json", self.tool.whole_schema), dict(sealed))

    def sealed(self, opened: Mapping[str, Json]) -> dict[str, Json]:
        """Return arguments as they are stored and shown."""
        if self.vault is None:
            return dict(opened)
        return self.vault.seal(cast("Json", self.tool.whole_schema), dict(opened))


def sealed_answer(answer: AssistantMessage, tools: Mapping[str, Tool], vault: Vault) -> AssistantMessage:
    """Return a model's answer with the secrets sealed that it proposes to call tools with."""
    calls = tuple(_sealed(call, tools.get(call.tool), vault) for call in answer.calls)
    ids = {call.id for call in answer.calls if call.tool in tools and tools[call.tool].has_secrets}
    return replace(answer, calls=calls, text=vault.clean(answer.text), raw=_raw(answer.raw, ids, calls))


def masked_answer(answer: AssistantMessage, tools: Mapping[str, Tool]) -> AssistantMessage:
    """Return an answer as it is told to the model again, and to whoever reads the run: with its secrets masked."""
    secret = {call.tool for call in answer.calls if call.tool in tools and tools[call.tool].has_secrets}
    if not secret:
        return answer
    told = (replace(call, arguments=masked(call.arguments)) if call.tool in secret else call for call in answer.calls)
    return replace(answer, calls=tuple(told))


def _sealed(call: Proposal, tool: Tool | None, vault: Vault) -> Proposal:
    if tool is None or not tool.has_secrets:
        return call
    if call.arguments is None:
        return replace(call, raw=_UNREAD)
    try:
        return replace(call, arguments=vault.seal(cast("Json", tool.whole_schema), call.arguments), raw="")
    except (ValueError, RecursionError):  # what no JSON text carries is refused later, and not kept
        return replace(call, arguments=None, raw=_UNREAD)


def _raw(raw: Json, ids: Collection[str], calls: tuple[Proposal, ...]) -> Json:
    """Return an answer in the provider layer's form with the masked arguments in its calls; None where it has none."""
    if not isinstance(raw, dict) or not isinstance(raw.get("parts"), list):
        return None
    told = {call.id: json.dumps(masked(call.arguments), ensure_ascii=False) for call in calls if call.id in ids}
    parts: list[Any] = [
        {**part, "args": told[part["tool_call_id"]]} if part.get("tool_call_id") in told else part
        for part in cast("list[dict[str, Any]]", raw["parts"])
    ]
    return {**raw, "parts": parts}
