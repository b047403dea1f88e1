"""How a model is asked to choose its words, and which of that it does not take.

The model layer drops such settings too, some of them in silence and some with a warning that nobody who reads the run
would see. So they are left out here, by what the layer's own tables say of the model, and said on the step.
"""

from typing import Any

from sayso.model.messages import ModelRequest

_REASONING = frozenset({"temperature", "top_p"})
"""What models of OpenAI do not take while they reason."""
_EVERY = frozenset({"temperature", "top_p", "top_k"})


def sampling(request: ModelRequest, client: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the settings that a request makes and the model takes, and the names of those that it does not take."""
    wanted = {"temperature": request.temperature, "top_p": request.top_p, "top_k": request.top_k}
    given = {name: value for name, value in wanted.items() if value is not None}
    refused = _refused(client) if given else frozenset[str]()
    taken = {name: value for name, value in given.items() if name not in refused}
    return taken, [name for name in given if name in refused]


def _refused(client: Any) -> frozenset[str]:
    """Return which settings a model of the layer ignores, as its class and its profile say."""
    profile: Any = client.profile
    refused = frozenset(getattr(client, "unsupported_settings", ()))  # older layers have no such table
    refused |= frozenset(profile.get("openai_unsupported_model_settings", ()))
    if profile.get("openai_supports_reasoning") and profile.get("thinking_enabled_by_default"):
        refused |= _REASONING
    if profile.get("anthropic_disallows_sampling_settings"):
        refused |= _EVERY
    return refused
