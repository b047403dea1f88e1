"""What is refused of a request: the part of the error tree (model/errors.py) about the service and its clients."""

from sayso.model.errors import Conflict, Invalid, NotAllowed, NotFound, SaysoError


class WorkflowNotFound(NotFound):
    """This server has no workflow of this name."""

    code = "workflow_not_found"
    hint = "List the workflows; name them when the server is started."


class TaskClaimed(Conflict):
    """Another person has said to be on this task, and still is."""

    code = "user_task_claimed"
    hint = "Wait until the claim ends, ask for its release, or let an admin decide."


class NotAssignable(Invalid):
    """Nobody of this address is a member of the workspace who may decide this task."""

    code = "user_task_not_assignable"
    hint = "Name somebody whose role decides tasks, and who has not started the run where starters may not decide."


class TaskNotPending(Conflict):
    """The task is no longer pending; the error tells how it stands, and who decided."""

    code = "user_task_not_pending"
    hint = "Nothing is left to do: read the task, it has the outcome."


class NotWaiting(Conflict):
    """The run does not wait for what was sent."""

    code = "run_not_waiting"
    hint = "Read the run: it says what it waits for."


class RunWaitingForTask(NotWaiting):
    """The run waits for a user task, and not for a message."""

    code = "run_waiting_for_user_task"
    hint = "Complete the task: name it by userTaskId."


class OutOfScope(NotAllowed):
    """The key's scopes do not reach this."""

    code = "forbidden_scope"
    hint = "Use a key with the agent (and trigger) among its scopes."


class OwnRun(NotAllowed):
    """Whoever started a run may not decide its tasks."""

    code = "own_run"
    hint = "Let somebody else decide; a key never decides what a run that it started asks."


class PeopleOnly(NotAllowed):
    """Only a person who is signed in may decide this."""

    code = "user_task_dashboard_only"
    hint = "Sign in and decide it there, or on the command line with a person's token (`sayso tokens create`)."


class AddressNotAllowed(NotAllowed):
    """The trigger has a list of addresses, and this one is not on it."""

    code = "ip_not_allowed"
    hint = "Call from an address on the trigger's list, or have it changed."


class TooMany(SaysoError):
    """More than may be, for now; `Retry-After` says when to come back."""

    code = "too_many"
    status = 429
    hint = "Wait as long as Retry-After says, and try again."


class TooManyGuesses(TooMany):
    """Too many wrong secrets came from this address."""

    code = "too_many_guesses"


class RateLimited(TooMany):
    """The trigger has started as many runs as it may in this time."""

    code = "rate_limited"


class ConcurrencyLimited(TooMany):
    """As many runs of the trigger are at work as may be."""

    code = "concurrency_limited"


class BadRequest(Invalid):
    """The request contradicts itself, or asks for what cannot be."""

    code = "bad_request"
    status = 400


class WaitNotRunning(BadRequest):
    """The run does not wait for a time."""

    code = "run_not_waiting_for_timer"
    hint = "Read the run: it says what it waits for."


class InputTooLarge(Invalid):
    """The input is larger than the trigger takes; nothing was started."""

    code = "input_too_large"


class InvalidCompletion(Invalid):
    """The fields do not fit the kind of task; it stays pending."""

    code = "invalid_completion"
    hint = "Send the field that this kind of task takes; the task is still pending."


class ApprovedRequired(InvalidCompletion):
    """An approval needs an explicit yes or no."""

    code = "approved_required"
    hint = "Send approved: true or approved: false."


class KeyReused(Invalid):
    """An Idempotency-Key came with another request before."""

    code = "idempotency_key_reuse"
    hint = "Use a new key for a new request; repeat a request unchanged."


class RequestRefused(SaysoError):
    """The request itself is refused, whatever it asks for; nothing was changed."""

    code = "request_refused"
    status = 400
    hint = "Correct the request and send it again; nothing was changed."


class InvalidJson(RequestRefused):
    """The body is not one plain JSON value."""

    code = "invalid_json"
    hint = "Send one JSON value in UTF-8: every key once, no NaN, no lone surrogates, nothing behind it."


class InvalidRequest(RequestRefused):
    """The body or a parameter does not have the form that the route takes."""

    code = "invalid_request"
    status = 422
    hint = "`details` tells which fields; their forms are in /openapi.json."


class UnsupportedMediaType(RequestRefused):
    """The body is not called JSON."""

    code = "unsupported_media_type"
    status = 415
    hint = "Send it with the header Content-Type: application/json."


class BodyTooLarge(RequestRefused):
    """The body is above the limit."""

    code = "body_too_large"
    status = 413
    hint = "Send less; the limit is the setting body_limit_bytes."


class BodyTooSlow(RequestRefused):
    """The request did not arrive in time."""

    code = "body_too_slow"
    status = 408
    hint = "Send it again; the time is the setting receive_deadline_seconds."


class HeadTooLarge(RequestRefused):
    """The headers, the path or the query are too many or too long."""

    code = "head_too_large"
    status = 431
    hint = "Send fewer or shorter headers and parameters."


class HostRefused(RequestRefused):
    """The request was sent to a name that is not this service's."""

    code = "host_refused"
    status = 421
    hint = "Call the service by its own name, or add that name to the setting allowed_hosts."


class CrossSite(RequestRefused):
    """A page of another site sent a request that changes something."""

    code = "cross_site"
    status = 403
    hint = "Use the service's own pages, or its API from a program."


class MethodOverridden(RequestRefused):
    """The request says to be another method than it is."""

    code = "method_overridden"
    hint = "Send the method itself, without X-HTTP-Method-Override."


class RouteUnknown(RequestRefused):
    """There is nothing at this path."""

    code = "route_unknown"
    status = 404
    hint = "The paths are in /openapi.json."


class MethodNotAllowed(RequestRefused):
    """There is something at this path, but not for this method."""

    code = "method_not_allowed"
    status = 405
    hint = "The header Allow names the methods of this path."


class MetricsHidden(RequestRefused):
    """The figures are for this machine, or for those who have the token."""

    code = "metrics_hidden"
    status = 403
    hint = "Send Authorization: Bearer and the setting metrics_token; without one, ask from the same machine."


class Unexpected(SaysoError):
    """Something went wrong that should not have; the log tells more under the request id."""

    code = "unexpected"
    hint = "Look for the request id in the log of the service; please report what you find."


class NotReady(SaysoError):
    """The service cannot take work now."""

    code = "not_ready"
    status = 503
    hint = "Try again in a moment; the log of the service tells what is missing."


class SettingRefused(Invalid):
    """A setting is unknown or does not fit."""

    code = "setting_refused"
    hint = "See docs/reference/settings.md; `sayso config` shows what is in force."


class NotRemote(Invalid):
    """This is done at the machine that holds the database, and not over a server."""

    code = "not_remote"
    hint = "Run it at the machine that holds the database, with --url '' and --database FILE."


class AddressTaken(SaysoError):
    """Another process listens at this address, or it is not this machine's."""

    code = "address_taken"
    hint = "Choose another port with --port, or 0 for any that is free."


class AddressUnprotected(SaysoError):
    """Others could reach the service, and nobody would have to sign in."""

    code = "address_unprotected"
    hint = "Stay on 127.0.0.1, or set oidc.issuer, oidc.client_id and oidc.client_secret."
