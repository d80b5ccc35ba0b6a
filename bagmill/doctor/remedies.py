"""What to do, by the code of a finding; docs/doctor.md has the same codes."""

from collections.abc import Mapping

_COPY = "Copy the file again from where it was recorded and compare the sizes."
_REBUILD = "`mcap recover FILE -o NEW.mcap` writes a copy with a whole summary and index."

REMEDIES: Mapping[str, str] = {
    "truncated": (
        f"The recorder lost power, crashed or ran out of disk, or the copy was cut short. {_COPY} What is "
        "there is converted as it is."
    ),
    "damaged": (
        f"{_COPY} If the original is damaged too, check the disk; what is readable is converted as it is."
    ),
    "crc_mismatch": (
        f"Bytes have changed since they were written. {_COPY} If the original is the same, check the disk "
        "and the memory of the machine that recorded it."
    ),
    "unknown_compression": (
        "Write the recording again with zstd or lz4, with a tool that knows its compression."
    ),
    "unknown_channel": (
        "The recorder left out the definition of a channel, or the chunk with it is damaged. Look for "
        "another copy, or report it to the author of the recorder."
    ),
    "counts_differ": (
        f"The recorder's own count is not what is in the file. {_COPY} If the original is the same, report "
        "it to the author of the recorder."
    ),
    "trailing_bytes": (
        "Something was appended to the file, perhaps another recording. Cut it off or split the file; "
        "only what stands before it is read."
    ),
    "header_damaged": f"No message is missing for it. {_COPY}",
    "summary_damaged": (
        f"No message is missing for it, but the whole file must be read to know what is in it. {_REBUILD}"
    ),
    "summary_missing": f"The whole file must be read to know what is in it. {_REBUILD}",
    "summary_incomplete": f"The whole file must be read to know what is in it. {_REBUILD}",
    "index_missing": f"Readers that look for single messages must go through whole chunks. {_REBUILD}",
    "not_chunked": f"Nothing is compressed, indexed or checked by CRCs in such a file. {_REBUILD}",
    "crc_missing": (
        "Damage to these bytes can't be noticed. Turn on CRCs in the recorder; it costs next to nothing."
    ),
    "attachment_damaged": f"The messages are not concerned. {_COPY}",
    "metadata_damaged": f"The messages are not concerned. {_COPY}",
    "metadata_repeated": (
        "Nothing, if it is meant so; programs that look it up by its name may see only one of them."
    ),
    "chunks_overlap": (
        "Nothing for a conversion: rows stand in the order of the file, and a manifest says where they "
        "are not sorted. Players that read chunk by chunk must look ahead."
    ),
    "chunks_large": (
        "Set a smaller chunk size in the recorder (1 to 16 MB): every reader must hold a whole chunk in "
        "memory."
    ),
    "chunks_small": (
        "Set a larger chunk size in the recorder (1 to 16 MB): small chunks compress badly and are slow "
        "to read."
    ),
    "schema_unused": "Nothing; the recorder wrote the definition of a type that has no channel.",
    "recording_empty": "Check that the recorder was subscribed to the topics, and that they were published.",
    "unreadable_messages": (
        "Compare the schema with what the publisher sends: most often one of the two is older. A "
        "conversion keeps the bytes of these messages in `unreadable/`."
    ),
    "undecodable": (
        "A conversion keeps the bytes and the schema of this topic. Repair the schema, or record with an "
        "encoding that is known: cdr, ros1, protobuf, json, cbor, flatbuffer."
    ),
    "decoding": "Nothing, if it is meant so.",
    "several_schemas": (
        "The message definition changed while it was recorded, or two publishers disagree; each becomes a "
        "table of its own. Let all publishers use the same version."
    ),
    "no_messages": "Nothing, if the topic was silent; else check its publisher and its QoS settings.",
    "gap": (
        "Look at the publisher, the network and the recorder's disk at that time: messages were not sent, "
        "were lost on the way, or the recorder could not keep up."
    ),
    "starts_late": "Nothing, if the publisher was started later; else start it before the recorder.",
    "ends_early": "Look whether the publisher crashed or was stopped at that time.",
    "rate_change": (
        "Nothing, if the publisher is meant to change its rate; else look at the load of the machine and "
        "the network at that time."
    ),
    "time_backwards": (
        "The clock was set while it was recorded, or messages were not written in the order they came. "
        "Sort the rows by `log_time` before anything relies on their order."
    ),
    "time_not_set": (
        "Nothing, if it was recorded with simulated time; else set the clock of the recording machine."
    ),
    "publish_time_missing": "Use the log time; the recorder did not note when messages were published.",
    "publish_after_log": (
        "Synchronize the clocks of the machines that publish and record (chrony or PTP): messages seem to "
        "come before they were sent."
    ),
    "clock_offset": (
        "Synchronize the clocks of the machines that publish and record (chrony or PTP), or look why "
        "messages take so long. With simulated time it is meant so."
    ),
    "clock_drift": (
        "Synchronize the clocks of the machines that publish and record all the time (chrony or PTP), or "
        "look whether a queue fills up."
    ),
    "messages_repeated": (
        "The recording was joined from parts that overlap, or a bridge sent messages twice. Drop rows "
        "that are equal in `sequence` and `log_time`."
    ),
    "content_repeated": (
        "Nothing, if the topic says the same again and again; a sensor that does so is stuck."
    ),
    "messages_dropped": (
        "Messages were lost between the publisher and the recorder: use reliable QoS or a larger queue, "
        "or relieve the network."
    ),
}
