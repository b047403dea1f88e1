"""What the pages of agents and figures call things; every template of theirs is given these."""

from collections.abc import Mapping
from typing import Any

from sayso.model.agents import AgentMode
from sayso.web.burden import WORDS as OUTCOMES
from sayso.web.stating import SESSIONS, TRIGGERS

MODES: dict[AgentMode, str] = {"hitl": "HITL", "request": "Request", "sub_agent": "Sub-agent"}
MODES_SAID: dict[AgentMode, str] = {
    "hitl": "asked where a gate says so; its runs wait for them",
    "request": "never asked; a call that needs a person is refused",
    "sub_agent": "asked where the agent it works for may ask",
}
WORDS: Mapping[str, Any] = {
    "modes": MODES,
    "modes_said": MODES_SAID,
    "outcome_words": OUTCOMES,
    "session_states": SESSIONS,
    "triggers_called": TRIGGERS,
}
