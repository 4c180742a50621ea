//! CloudWatch's metrics, in the log's own lines: the embedded metric format
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>).
//! CloudWatch takes them out of the log, so they need no agent and no call.

use std::fmt;

use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Json, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::time::Clock;

const COUNT: &str = "Count";
const MILLISECONDS: &str = "Milliseconds";
const SECONDS: &str = "Seconds";

/// The metrics of all lines with one target.
struct Metrics {
    /// The lines' target.
    target: &'static str,
    /// The metric that counts the lines; `None` where another one's number of samples does.
    count: Option<&'static str>,
    /// Fields by whose values the lines are counted apart.
    apart: &'static [&'static [&'static str]],
    /// Fields that are metrics, where a line has them, with their units.
    values: &'static [(&'static str, &'static str)],
}

/// Counted as a whole.
const TOGETHER: &[&[&str]] = &[&[]];

/// Each costs money for every hour in which it has a value, so there are few.
const METRICS: [Metrics; 7] = [
    Metrics {
        target: "environment_gate::decision",
        count: Some("decisions"),
        apart: &[&["outcome"], &["outcome", "check"]],
        values: &[("took_ms", MILLISECONDS), ("github_calls", COUNT), ("github_calls_left", COUNT)],
    },
    Metrics {
        target: "environment_gate::sweep",
        count: None,
        apart: TOGETHER,
        values: &[("completed", COUNT), ("oldest_wait_seconds", SECONDS)],
    },
    Metrics { target: "environment_gate::config", count: Some("settings_problems"), apart: TOGETHER, values: &[] },
    Metrics { target: "environment_gate::settings", count: Some("settings_read"), apart: TOGETHER, values: &[] },
    Metrics { target: "environment_gate::policy", count: Some("policy_errors"), apart: TOGETHER, values: &[] },
    Metrics { target: "environment_gate::probe", count: None, apart: TOGETHER, values: &[("wrong_decisions", COUNT)] },
    Metrics { target: "environment_gate::events", count: None, apart: TOGETHER, values: &[("events_lost", COUNT)] },
];

impl Metrics {
    /// What a line gets besides its own fields: their count, and what CloudWatch is to make of it.
    fn members(&self, namespace: &str, event: &Event<'_>, clock: &Clock) -> Value {
        let mut names = Names::default();
        event.record(&mut names);
        let values = self.values.iter().filter(|(name, _)| names.0.contains(name));
        let metric = |(name, unit): &(&str, &str)| json!({ "Name": name, "Unit": unit });
        let directive = |apart: &[&[&str]], metrics: Vec<Value>| json!({ "Namespace": namespace, "Dimensions": apart, "Metrics": metrics });
        let values: Vec<Value> = values.map(metric).collect();
        let count = self.count.map(|count| directive(self.apart, vec![metric(&(count, COUNT))]));
        let values = (!values.is_empty()).then(|| directive(TOGETHER, values));
        let directives: Vec<Value> = count.into_iter().chain(values).collect();
        let aws = json!({ "Timestamp": clock.now().as_millisecond(), "CloudWatchMetrics": directives });
        self.count.map_or_else(|| json!({ "_aws": aws }), |count| json!({ count: 1, "_aws": aws }))
    }
}

/// The names of an event's fields that have a value.
#[derive(Default)]
struct Names(Vec<&'static str>);

impl Visit for Names {
    fn record_debug(&mut self, field: &Field, _: &dyn fmt::Debug) {
        self.0.push(field.name());
    }
}

/// The library's JSON lines, with metrics in a namespace where there is one.
pub(super) struct Lines {
    pub(super) json: Format<Json>,
    pub(super) namespace: Option<String>,
    pub(super) clock: Clock,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let metrics = METRICS.iter().find(|metrics| metrics.target == event.metadata().target());
        let (Some(metrics), Some(namespace)) = (metrics, &self.namespace) else {
            return self.json.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.json.format_event(context, Writer::new(&mut line), event)?;
        // Both are objects: one ends where the other goes on.
        let members = metrics.members(namespace, event, &self.clock).to_string();
        match (line.trim_end().strip_suffix('}'), members.strip_prefix('{')) {
            (Some(line), Some(members)) => writeln!(writer, "{line},{members}"),
            _ => writer.write_str(&line),
        }
    }
}
