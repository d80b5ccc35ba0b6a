"""Events of ROS 2 services and actions, whose recorded definition is the text of the service or action.

A recorder stores `pkg/srv/Name_Event` with the `.srv` text: request, `---`, response. What is on the wire is
made by rosidl from that (REP 2012; rosidl_parser's `definition.py`): the event's info, the request and
the response, the latter two as sequences of at most one. Actions are made of two services and a feedback
message in the same way (design.ros2.org, "Actions").
"""

import re

from bagmill.schemas.rostext import TypeName, type_name

_PART = re.compile(r"^---[ \t]*$", re.MULTILINE)
_INFO = """uint8 REQUEST_SENT=0
uint8 REQUEST_RECEIVED=1
uint8 RESPONSE_SENT=2
uint8 RESPONSE_RECEIVED=3
uint8 event_type
builtin_interfaces/Time stamp
char[16] client_gid
int64 sequence_number
"""
_COMMON: dict[TypeName, str] = {
    ("service_msgs", "ServiceEventInfo"): _INFO,
    ("unique_identifier_msgs", "UUID"): "uint8[16] uuid",
}
_EVENT = "service_msgs/ServiceEventInfo info\n{0}_Request[<=1] request\n{0}_Response[<=1] response\n"
_ID = "unique_identifier_msgs/UUID goal_id\n"


def event_sections(name: str, texts: dict[TypeName, str]) -> dict[TypeName, str]:
    """Put the messages that ROS makes from a service or an action in the place of its text.

    Definitions without `---` pass unchanged.
    """
    key = type_name(name)
    parts = _PART.split(texts.get(key, ""))
    if len(parts) == 2:
        made = _service(key, parts)
    elif len(parts) == 3:
        made = _action(key, parts)
    else:
        return texts
    return _COMMON | texts | made


def _service(key: TypeName, parts: list[str]) -> dict[TypeName, str]:
    package, name = key
    base = re.sub(r"_(Event|Request|Response)$", "", name)
    return _service_messages(package, base, parts[0], parts[1])


def _service_messages(package: str, base: str, request: str, response: str) -> dict[TypeName, str]:
    return {
        (package, f"{base}_Request"): request,
        (package, f"{base}_Response"): response,
        (package, f"{base}_Event"): _EVENT.format(base),
    }


def _action(key: TypeName, parts: list[str]) -> dict[TypeName, str]:
    package, name = key
    base = re.sub(r"(_(SendGoal|GetResult)(_(Event|Request|Response))?|_FeedbackMessage)$", "", name)
    goal, result, feedback = parts
    return {
        (package, f"{base}_Goal"): goal,
        (package, f"{base}_Result"): result,
        (package, f"{base}_Feedback"): feedback,
        (package, f"{base}_FeedbackMessage"): f"{_ID}{base}_Feedback feedback\n",
        **_service_messages(
            package,
            f"{base}_SendGoal",
            f"{_ID}{base}_Goal goal\n",
            "bool accepted\nbuiltin_interfaces/Time stamp\n",
        ),
        **_service_messages(package, f"{base}_GetResult", _ID, f"int8 status\n{base}_Result result\n"),
    }
