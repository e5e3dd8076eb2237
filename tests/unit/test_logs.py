"""A log line is one line, whatever foreign text it holds."""

import json
import logging

from moorage.logs import JsonFormatter, TextFormatter


def record(message: str, **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "moorage.web", "levelname": "INFO", "msg": message})
    vars(made).update(extra)
    return made


def test_a_json_line_carries_the_extra_fields():
    line = json.loads(JsonFormatter().format(record("served", request_id="abc", status=200)))
    assert line["message"] == "served"
    assert (line["request_id"], line["status"]) == ("abc", 200)


def test_a_forged_line_break_cannot_start_a_second_line():
    for formatter in (JsonFormatter(), TextFormatter()):
        line = formatter.format(record("a\nERROR forged", agent="x\r\nERROR forged"))
        assert len(line.splitlines()) == 1


def test_a_failure_is_told_with_its_traceback():
    try:
        raise ValueError("the reason")
    except ValueError as error:
        made = record("failed")
        made.exc_info = (type(error), error, error.__traceback__)
    assert "the reason" in json.loads(JsonFormatter().format(made))["traceback"]
