//! OPA's functions of `time`, but for the one that looks at a clock: <https://www.openpolicyagent.org/docs/policy-reference/builtins/time>.
//! The library's own come with a table of time zones that each cold start would pay for.

use anyhow::Context as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp, Zoned};
use regorus::Value;

use super::go_layout;

/// `time.clock(moment)`: hour, minute and second.
pub(super) fn clock([moment]: [&Value; 1]) -> anyhow::Result<Value> {
    let (time, _) = read(moment)?;
    Ok(numbers([time.hour(), time.minute(), time.second()].map(i64::from)))
}

/// `time.date(moment)`: year, month and day.
pub(super) fn date([moment]: [&Value; 1]) -> anyhow::Result<Value> {
    let (time, _) = read(moment)?;
    Ok(numbers([i64::from(time.year()), i64::from(time.month()), i64::from(time.day())]))
}

/// `time.weekday(moment)`: its name.
pub(super) fn weekday([moment]: [&Value; 1]) -> anyhow::Result<Value> {
    let (time, _) = read(moment)?;
    Ok(Value::from(go_layout::format(&time, "Monday")?))
}

/// `time.format(moment)`, or `[moment, zone, layout]` in Go's layout.
pub(super) fn format([moment]: [&Value; 1]) -> anyhow::Result<Value> {
    let (time, layout) = read(moment)?;
    Ok(Value::from(go_layout::format(&time, layout.unwrap_or(go_layout::RFC_3339_NANO))?))
}

/// `time.parse_ns(layout, text)`: nanoseconds since 1970.
pub(super) fn parse([layout, text]: [&Value; 2]) -> anyhow::Result<Value> {
    nanoseconds(go_layout::parse(layout.as_string()?, text.as_string()?)?)
}

/// `time.parse_rfc3339_ns(text)`: nanoseconds since 1970.
pub(super) fn parse_rfc3339([text]: [&Value; 1]) -> anyhow::Result<Value> {
    nanoseconds(go_layout::parse("RFC3339", text.as_string()?)?)
}

/// `time.parse_duration_ns(text)`, such as `1h30m`: nanoseconds.
pub(super) fn parse_duration([text]: [&Value; 1]) -> anyhow::Result<Value> {
    let duration: SignedDuration = text.as_string()?.parse()?;
    Ok(Value::from(i64::try_from(duration.as_nanos())?))
}

/// `time.add_date(nanoseconds, years, months, days)`, in UTC. As in Go, a day that its month does not have is one of the next: 31 January and a month is 3 March.
pub(super) fn add_date([moment, years, months, days]: [&Value; 4]) -> anyhow::Result<Value> {
    let time = timestamp(moment)?.to_zoned(TimeZone::UTC).datetime();
    let months = years.as_i64()?.saturating_mul(12).saturating_add(months.as_i64()?);
    let days = days.as_i64()?.saturating_add(i64::from(time.day())).saturating_sub(1);
    let month = time.date().first_of_month().checked_add(Span::new().try_months(months)?)?;
    let date = month.checked_add(Span::new().try_days(days)?)?;
    nanoseconds(date.to_datetime(time.time()).to_zoned(TimeZone::UTC)?.timestamp())
}

/// `time.diff(moment, moment)`: years, months, days, hours, minutes and seconds between two moments, by the clock of the first one's zone.
pub(super) fn diff([one, other]: [&Value; 2]) -> anyhow::Result<Value> {
    let ((one, _), (other, _)) = (read(one)?, read(other)?);
    let other = other.with_time_zone(one.time_zone().clone());
    let (from, to) = if one <= other { (one, other) } else { (other, one) };
    let fields = |time: &Zoned| {
        let date = [i64::from(time.year()), i64::from(time.month()), i64::from(time.day())];
        let clock = [time.hour(), time.minute(), time.second()].map(i64::from);
        [date, clock].concat()
    };
    let mut between: Vec<i64> =
        fields(&to).into_iter().zip(fields(&from)).map(|(to, from)| to.saturating_sub(from)).collect();
    // How much of each field makes one of the field before: a field below zero takes one.
    let sizes = [0, 12, i64::from(Date::from(&from).days_in_month()), 24, 60, 60];
    let mut borrowed = 0;
    for (field, size) in between.iter_mut().zip(sizes).rev() {
        *field = field.saturating_sub(borrowed);
        borrowed = i64::from(*field < 0 && size > 0);
        *field = field.saturating_add(borrowed.saturating_mul(size));
    }
    Ok(numbers(between))
}

/// A moment as policies give it: nanoseconds since 1970 (UTC), `[nanoseconds, zone]`, or `[nanoseconds, zone, layout]`.
fn read(moment: &Value) -> anyhow::Result<(Zoned, Option<&str>)> {
    let parts = moment.as_array().map_or_else(|_| std::slice::from_ref(moment), |parts| parts.as_slice());
    let (nanoseconds, zone, layout) = match parts {
        [nanoseconds] => (nanoseconds, None, None),
        [nanoseconds, zone] => (nanoseconds, Some(zone), None),
        [nanoseconds, zone, layout] => (nanoseconds, Some(zone), Some(layout)),
        _ => anyhow::bail!("got {moment}, expected nanoseconds or `[nanoseconds, time zone]`"),
    };
    let zone = zone.map(|zone| zone.as_string().map(AsRef::as_ref)).transpose()?;
    let layout = layout.map(|layout| layout.as_string().map(AsRef::as_ref)).transpose()?;
    Ok((timestamp(nanoseconds)?.to_zoned(zone.map_or(Ok(TimeZone::UTC), time_zone)?), layout))
}

fn timestamp(nanoseconds: &Value) -> anyhow::Result<Timestamp> {
    let whole = nanoseconds.as_i64().ok();
    let whole = whole.with_context(|| format!("got {nanoseconds}, expected nanoseconds, a whole number"))?;
    Ok(Timestamp::from_nanosecond(i128::from(whole))?)
}

/// A zone of the IANA's database, which is part of the program.
fn time_zone(name: &str) -> anyhow::Result<TimeZone> {
    if matches!(name, "" | "UTC") {
        return Ok(TimeZone::UTC);
    }
    let zone = TimeZone::get(name).ok().filter(|zone| zone.iana_name() == Some(name));
    zone.with_context(|| format!("there is no time zone `{name}`: expected a name such as `Europe/Berlin`"))
}

/// OPA's numbers of nanoseconds have 64 bits: 1677 to 2262.
fn nanoseconds(time: Timestamp) -> anyhow::Result<Value> {
    let nanoseconds = i64::try_from(time.as_nanosecond()).ok().context("the time is not between 1677 and 2262");
    nanoseconds.map(Value::from)
}

fn numbers(numbers: impl IntoIterator<Item = i64>) -> Value {
    Value::from(numbers.into_iter().map(Value::from).collect::<Vec<_>>())
}
