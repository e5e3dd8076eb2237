"""When things run: the fields, the calendar, and what is refused."""

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.config import rules
from moorage.jobs.cron import parse
from moorage.jobs.errors import CronInvalidError

START = "2026-01-02 03:04:05"  # a Friday


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "after", "wanted"),
    [
        ("* * * * * *", START, "2026-01-02 03:04:06"),
        ("5 4 3 2 1 *", START, "2027-01-02 03:04:05"),
        ("6 4 3 2 1 *", START, "2026-01-02 03:04:06"),
        ("0 * * * * *", START, "2026-01-02 03:05:00"),
        ("0 0 * * * *", START, "2026-01-02 04:00:00"),
        ("@hourly", START, "2026-01-02 04:00:00"),
        (" @Daily ", START, "2026-01-03 00:00:00"),
        ("@midnight", START, "2026-01-03 00:00:00"),
        ("@weekly", START, "2026-01-04 00:00:00"),
        ("@monthly", START, "2026-02-01 00:00:00"),
        ("@yearly", START, "2027-01-01 00:00:00"),
        ("@annually", START, "2027-01-01 00:00:00"),
        # lists, ranges, steps
        ("0 10,20,40 * * * *", "2026-01-02 03:20:00", "2026-01-02 03:40:00"),
        ("0 10-12 * * * *", "2026-01-02 03:12:00", "2026-01-02 04:10:00"),
        ("*/20 * * * * *", START, "2026-01-02 03:04:20"),
        ("50/5 * * * * *", START, "2026-01-02 03:04:50"),
        ("10-30/10 * * * * *", "2026-01-02 03:04:30", "2026-01-02 03:05:10"),
        ("0 0 1-3,20-22/2 * * *", START, "2026-01-02 20:00:00"),
        ("?/30 ? ? ? ? ?", START, "2026-01-02 03:04:30"),
        # midnight, month ends, year ends
        ("0 0 3 * * *", START, "2026-01-03 03:00:00"),
        ("59 59 23 31 12 *", START, "2026-12-31 23:59:59"),
        ("* * * * * *", "2026-12-31 23:59:59", "2027-01-01 00:00:00"),
        ("0 0 0 31 * *", "2026-01-31 00:00:00", "2026-03-31 00:00:00"),
        ("0 0 0 30 * *", "2026-01-30 00:00:00", "2026-03-30 00:00:00"),
        # leap years; 2100 is none
        ("0 0 0 29 2 *", START, "2028-02-29 00:00:00"),
        ("0 0 0 29 2 *", "2096-02-29 00:00:00", "2104-02-29 00:00:00"),
        ("0 0 0 29 FEB ?", "2028-02-28 23:59:59", "2028-02-29 00:00:00"),
        # names, and both numbers of Sunday
        ("0 0 0 1 mar *", START, "2026-03-01 00:00:00"),
        ("0 0 0 1 NOV-DEC *", START, "2026-11-01 00:00:00"),
        ("0 0 0 * * 0", START, "2026-01-04 00:00:00"),
        ("0 0 0 * * 7", START, "2026-01-04 00:00:00"),
        ("0 0 0 * * SUN", START, "2026-01-04 00:00:00"),
        ("0 0 0 * * 5-7", "2026-01-03 00:00:00", "2026-01-04 00:00:00"),
        ("0 0 0 * * Mon-Fri", START, "2026-01-05 00:00:00"),
        ("0 0 0 * * 5/2", "2026-01-02 00:00:00", "2026-01-09 00:00:00"),
        # a day of the month or a weekday, when both are given; otherwise both
        ("0 0 0 13 * FRI", START, "2026-01-09 00:00:00"),
        ("0 0 0 13 * FRI", "2026-01-09 00:00:00", "2026-01-13 00:00:00"),
        ("0 0 0 13 * *", START, "2026-01-13 00:00:00"),
        ("0 0 0 ? * FRI", START, "2026-01-09 00:00:00"),
        ("0 0 0 30 2 MON", START, "2026-02-02 00:00:00"),
        # hours that some places' clocks skip or repeat
        ("0 30 2 * * *", "2026-03-29 01:00:00", "2026-03-29 02:30:00"),
        ("0 30 * * * *", "2026-10-25 00:30:00", "2026-10-25 01:30:00"),
    ],
)
def test_the_next_moment(text: str, after: str, wanted: str):
    assert parse(text).next_after(moment(after)) == moment(wanted)


def test_a_fraction_of_a_second_counts_as_past():
    assert parse("6 4 3 * * *").next_after(moment("2026-01-02 03:04:05.999999")) == moment(
        "2026-01-02 03:04:06"
    )


def test_the_answer_is_in_utc_wherever_the_question_comes_from():
    tokyo = timezone(timedelta(hours=9))
    found = parse("0 0 0 * * *").next_after(datetime(2026, 1, 2, 8, 0, tzinfo=tokyo))
    assert found == moment("2026-01-02 00:00:00")
    assert found.tzinfo is UTC


@pytest.mark.parametrize("text", ["0 0 0 30 2 *", "0 0 0 31 4,6,9,11 *", "0 0 0 31 FEB ?"])
def test_what_never_comes_is_found_out_soon(text: str):
    begun = time.perf_counter()
    assert parse(text).next_after(moment(START)) is None
    assert time.perf_counter() - begun < 0.5


@pytest.mark.parametrize("text", ["* * * * * *", "0 0 0 1 1 *", "0 0 0 31 12 *"])
def test_time_ends(text: str):
    assert parse(text).next_after(moment("9999-12-31 23:59:59")) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* * * * *",
        "* * * * * * *",
        "60 * * * * *",
        "* 60 * * * *",
        "* * 24 * * *",
        "* * * 0 * *",
        "* * * 32 * *",
        "* * * * 0 *",
        "* * * * 13 *",
        "* * * * * 8",
        "* * * * * SUNDAY",
        "* * * JAN * *",
        "-1 * * * * *",
        "1-60 * * * * *",
        "5-1 * * * * *",
        "*/0 * * * * *",
        "*/x * * * * *",
        "*/ * * * * *",
        "1, * * * * *",
        ",1 * * * * *",
        "*-5 * * * * *",
        "1-2-3 * * * * *",
        "1//2 * * * * *",
        "0 0 0 L * *",
        "0 0 0 1W * *",
        "0 0 0 * * 1#2",
        "001 * * * * *",
        "٣ * * * * *",
        "@every 1h",
        "@reboot",
        "0 0 0 * * *" + " " * 300,
    ],
)
def test_what_says_no_moment_is_refused(text: str):
    with pytest.raises(CronInvalidError) as refused:
        parse(text)
    assert refused.value.message.isprintable()


def test_the_refusal_names_the_field():
    with pytest.raises(CronInvalidError, match="'25' is no hour"):
        parse("0 0 25 * * *")


_part = st.from_regex(r"\A([*?]|[0-9]{1,3}|JAN|dec|Sun|SAT|X)(-([0-9]{1,2}|SAT|JUN))?(/[0-9]{0,2})?\Z")
_field = st.lists(_part, min_size=1, max_size=2).map(",".join)
_texts = st.lists(st.one_of(st.just("*"), _field), min_size=5, max_size=7).map(" ".join)


def is_taken(text: str) -> bool:
    try:
        parse(text)
    except CronInvalidError:
        return False
    return True


@given(st.one_of(_texts, st.text(max_size=20), st.sampled_from(["@hourly", "@every 1h"])))
def test_the_settings_take_exactly_what_schedules_take(text: str):
    try:
        rules.cron(text)
        taken = True
    except ValueError:
        taken = False
    assert taken == (not text or is_taken(text))


_numbers = st.integers(0, 59)


@given(
    start=st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    minutes=st.sets(_numbers, min_size=1, max_size=3),
    hours=st.sets(st.integers(0, 23), min_size=1, max_size=3),
    days=st.sets(st.integers(1, 31), max_size=2),
    weekdays=st.sets(st.integers(0, 7), max_size=2),
)
def test_it_finds_what_trying_every_minute_would(start, minutes, hours, days, weekdays):
    def field(values: set[int]) -> str:
        return ",".join(map(str, sorted(values))) or "*"

    found = parse(f"0 {field(minutes)} {field(hours)} {field(days)} * {field(weekdays)}").next_after(start)
    day = start.date()
    while True:
        by_number, by_weekday = day.day in days, day.isoweekday() % 7 in {each % 7 for each in weekdays}
        fits = by_number or by_weekday or not (days or weekdays)
        later = [
            each
            for hour in sorted(hours)
            for minute in sorted(minutes)
            if fits and (each := datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)) > start
        ]
        if later:
            break
        day += timedelta(days=1)
    assert found == later[0]
