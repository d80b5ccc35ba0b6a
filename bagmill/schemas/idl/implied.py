"""The types that ROS 2 knows without their IDL: common ones, and what it makes of services and actions.

The `.idl` of a service declares its request and response, that of an action its goal, result and feedback
(design.ros2.org, "Interface definition using IDL"); rosidl makes the rest (see `bagmill.schemas.rosevents`).
"""

import re

_COMMON = """
module builtin_interfaces { module msg {
    struct Time { int32 sec; uint32 nanosec; };
    struct Duration { int32 sec; uint32 nanosec; };
}; };
module service_msgs { module msg { struct ServiceEventInfo {
    uint8 event_type; builtin_interfaces::msg::Time stamp; char client_gid[16]; int64 sequence_number;
}; }; };
module unique_identifier_msgs { module msg { struct UUID { uint8 uuid[16]; }; }; };
"""
_EVENT = """
module {package} {{ module {folder} {{ struct {base}_Event {{
    service_msgs::msg::ServiceEventInfo info;
    sequence<{base}_Request, 1> request; sequence<{base}_Response, 1> response;
}}; }}; }};
"""
_ACTION = """
module {package} {{ module {folder} {{
    struct {base}_SendGoal_Request {{ unique_identifier_msgs::msg::UUID goal_id; {base}_Goal goal; }};
    struct {base}_SendGoal_Response {{ boolean accepted; builtin_interfaces::msg::Time stamp; }};
    struct {base}_GetResult_Request {{ unique_identifier_msgs::msg::UUID goal_id; }};
    struct {base}_GetResult_Response {{ int8 status; {base}_Result result; }};
    struct {base}_FeedbackMessage {{ unique_identifier_msgs::msg::UUID goal_id; {base}_Feedback feedback; }};
}}; }};
"""
_NAME = re.compile(
    r"(?P<package>[a-zA-Z]\w*)(?:/|::)(?P<folder>srv|action)(?:/|::)(?P<service>(?P<base>\w+?)"
    r"(?P<part>_SendGoal|_GetResult)?)(?P<kind>_Event|_Request|_Response|_FeedbackMessage)",
    re.ASCII,
)


def implied_text(name: str) -> str:
    """IDL of the types that the message `name` may need and its schema need not have."""
    found = _NAME.fullmatch(name)
    if found is None:
        return _COMMON
    parts = found.groupdict("")
    text = _COMMON + _EVENT.format(**{**parts, "base": parts["service"]})
    return text + _ACTION.format(**parts) if parts["folder"] == "action" else text
