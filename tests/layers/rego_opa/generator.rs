//! Makes policies up: every expression has a type, so that OPA, which checks types, takes it, and none needs more than policies may use.

use fastrand::Rng;
use serde_json::{Value, json};

/// How deep expressions nest.
const DEPTH: usize = 3;
const WORDS: [&str; 8] = ["alice", "Bob", "release/1.2", "", "a,b,,c", "ünïcode ☃", "  padded ", "main"];

pub(super) struct Generator {
    rng: Rng,
    /// Names that are bound where the generator is.
    numbers: Vec<String>,
    texts: Vec<String>,
    fresh: usize,
}

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        Self { rng: Rng::with_seed(seed), numbers: Vec::new(), texts: Vec::new(), fresh: 0 }
    }

    pub(super) fn input(&mut self) -> Value {
        let mut input = json!({
            "n": self.rng.i32(-5..20), "m": self.rng.i32(1..9), "yes": self.rng.bool(),
            "a": self.word(), "b": self.word(),
            "numbers": (0..self.rng.usize(0..4)).map(|_| self.rng.i32(-9..9)).collect::<Vec<_>>(),
            "texts": (0..self.rng.usize(0..4)).map(|_| self.word()).collect::<Vec<_>>(),
            "object": { "a": self.rng.i32(0..9), "b": 1 },
            "at": 1_767_225_600_000_000_000_i64 + i64::from(self.rng.u32(..)) * 1_000_000,
        });
        if self.rng.bool() {
            input["sometimes"] = self.rng.i32(-3..9).into();
        }
        input
    }

    /// A policy of type `initialization`.
    pub(super) fn policy(&mut self) -> String {
        let mut rules = vec!["package generated".to_owned(), "import rego.v1".to_owned()];
        let (helper, function, other) = (self.number(DEPTH), self.scoped_number("x"), self.scoped_number("x"));
        rules.push(format!("helper := {helper}\n\nscaled(x) := {function} if x > 3\nelse := {other}"));
        let (known, truth) = (self.text(DEPTH), self.truth(DEPTH));
        rules.push(format!("default known := \"nothing\"\n\nknown := {known} if {{\n\t{truth}\n}}"));
        rules.push(format!("is_so if {{\n\t{}\n}}\n\nis_more(x, y) if x > y", self.truth(DEPTH)));
        self.numbers.extend(["helper".to_owned(), "scaled(input.n)".to_owned(), "scaled(helper)".to_owned()]);
        self.texts.push("known".to_owned());
        for number in 0..3 {
            let (said, condition) = (self.anything(), self.condition());
            rules.push(format!("deny contains json.marshal([\"deny {number}\", {said}]) if {{\n\t{condition}\n}}"));
        }
        let (said, condition) = (self.text(DEPTH), self.condition());
        rules.push(format!("warn contains said if {{\n\t{condition}\n\tsaid := {said}\n}}"));
        // The library takes a name for a function if the next line begins with a parenthesis.
        rules.push(format!("sample if {{\n\t{};\n\t{}\n}}\n", self.condition(), self.condition()));
        self.numbers.clear();
        self.texts.clear();
        rules.join("\n\n")
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.rng.usize(..WORDS.len())]
    }

    fn quoted_word(&mut self) -> String {
        Value::from(self.word()).to_string()
    }

    fn name(&mut self) -> String {
        self.fresh += 1;
        format!("each_{}", self.fresh)
    }

    fn one_of<const N: usize>(&mut self, of: [&str; N]) -> String {
        of[self.rng.usize(..N)].to_owned()
    }

    fn scoped_number(&mut self, name: &str) -> String {
        self.numbers.push(name.to_owned());
        let number = self.number(DEPTH - 1);
        self.numbers.pop();
        number
    }

    fn anything(&mut self) -> String {
        match self.rng.u8(0..6) {
            0 => self.number(DEPTH),
            1 => self.text(DEPTH),
            2 => self.list_of_numbers(DEPTH),
            3 => self.list_of_texts(DEPTH),
            4 => self.set(DEPTH),
            _ => self.object(DEPTH),
        }
    }

    fn number(&mut self, depth: usize) -> String {
        let Some(depth) = depth.checked_sub(1) else {
            let known = self.numbers.len();
            return match self.rng.usize(0..5 + known) {
                0 => self.rng.i32(-20..50).to_string(),
                1 => "input.n".to_owned(),
                2 => "input.m".to_owned(),
                3 => "input.object.a".to_owned(),
                // Not always there.
                4 => "input.sometimes".to_owned(),
                index => self.numbers[index - 5].clone(),
            };
        };
        match self.rng.u8(0..16) {
            0 => format!("count({})", self.list_of_numbers(depth)),
            1 => format!("count({})", self.set(depth)),
            2 => format!("count({})", self.text(depth)),
            3 => format!("sum({})", self.list_of_numbers(depth)),
            4 => format!("max({})", self.list_of_numbers(depth)),
            5 => format!("min({})", self.list_of_numbers(depth)),
            6 => format!("abs({})", self.number(depth)),
            7 => format!("({} + {})", self.number(depth), self.number(depth)),
            8 => format!("({} - {})", self.number(depth), self.number(depth)),
            9 => format!("({} * {})", self.number(depth), self.number(depth)),
            10 => format!("(({}) % {})", self.number(depth), self.rng.u8(1..9)),
            11 => {
                format!("{}(({}) / {})", self.one_of(["round", "ceil", "floor"]), self.size(depth), self.rng.u8(1..9))
            }
            12 => format!("indexof({}, {})", self.text(depth), self.one_of(["\"a\"", "\"ï\"", "\"e/\""])),
            13 => format!("object.get({}, {}, {})", self.object(depth), self.quoted_word(), self.number(depth)),
            14 => format!("sort({})[{}]", self.list_of_numbers(depth), self.rng.u8(0..2)),
            _ => format!("to_number(\"{}\")", self.rng.i16(..)),
        }
    }

    /// A number that is not negative: OPA's `floor(-0.5)` is 0.
    fn size(&mut self, depth: usize) -> String {
        match self.rng.u8(0..3) {
            0 => format!("count({})", self.list_of_texts(depth)),
            1 => format!("abs({})", self.number(depth)),
            _ => format!("({} * input.m)", self.rng.u8(..)),
        }
    }

    fn text(&mut self, depth: usize) -> String {
        let Some(depth) = depth.checked_sub(1) else {
            let known = self.texts.len();
            return match self.rng.usize(0..3 + known) {
                0 => self.quoted_word(),
                1 => "input.a".to_owned(),
                2 => "input.b".to_owned(),
                index => self.texts[index - 3].clone(),
            };
        };
        match self.rng.u8(0..17) {
            0 => format!("concat({}, {})", self.quoted_word(), self.list_of_texts(depth)),
            1 => format!(
                "{}({})",
                self.one_of(["upper", "lower", "trim_space", "strings.reverse", "base64.encode", "hex.encode"]),
                self.text(depth)
            ),
            2 => format!(
                "{}({}, \" a/\")",
                self.one_of(["trim", "trim_left", "trim_right", "trim_prefix", "trim_suffix"]),
                self.text(depth)
            ),
            3 => format!(
                "replace({}, {}, {})",
                self.text(depth),
                self.one_of(["\"a\"", "\"b,\"", "\"e\""]),
                self.text(depth)
            ),
            4 => format!("substring({}, {}, {})", self.text(depth), self.rng.u8(0..4), self.rng.i8(-1..5)),
            5 => format!("sprintf(\"%s|%v|%d\", [{}, {}, {}])", self.text(depth), self.number(depth), self.rng.u16(..)),
            6 => format!("format_int({}, {})", self.number(depth), self.one_of(["2", "8", "10", "16"])),
            7 => format!("json.marshal({})", self.anything_flat(depth)),
            8 => format!("type_name({})", self.anything_flat(depth)),
            9 => format!("time.weekday([input.at, \"{}\"])", self.one_of(["UTC", "Europe/Berlin", "Pacific/Auckland"])),
            10 => format!(
                "time.format([input.at, \"{}\", \"15:04:05\"])",
                self.one_of(["UTC", "Europe/Berlin", "America/New_York"])
            ),
            11 => format!("regex.replace({}, \"[a-c]+\", {})", self.text(depth), self.one_of(["\"-\"", "\"\""])),
            12 => format!("sort({})[{}]", self.list_of_texts(depth), self.rng.u8(0..2)),
            13 => format!("sprintf(\"%v\", [{}])", self.list_of_texts(depth)),
            14 => format!("sprintf(\"%5d|%05d|%%\", [{}, {}])", self.rng.u8(..), self.rng.u8(..)),
            15 => format!("base64.decode(base64.encode({}))", self.text(depth)),
            _ => format!("format_int(time.diff(input.at, {})[{}], 10)", "1767225600000000000", self.rng.u8(0..6)),
        }
    }

    fn anything_flat(&mut self, depth: usize) -> String {
        match self.rng.u8(0..4) {
            0 => self.number(depth),
            1 => self.text(depth),
            2 => self.list_of_texts(depth),
            _ => self.object(depth),
        }
    }

    fn truth(&mut self, depth: usize) -> String {
        let Some(depth) = depth.checked_sub(1) else {
            return self.one_of(["input.yes", "input.yes", "true", "input.m > 4"]);
        };
        match self.rng.u8(0..12) {
            0 => format!(
                "{} {} {}",
                self.number(depth),
                self.one_of(["<", "<=", ">", ">=", "==", "!="]),
                self.number(depth)
            ),
            1 => format!("{} {} {}", self.text(depth), self.one_of(["<", "==", "!=", ">="]), self.text(depth)),
            2 => format!(
                "{}({}, {})",
                self.one_of(["startswith", "endswith", "contains"]),
                self.text(depth),
                self.quoted_word()
            ),
            3 => format!(
                "regex.match(\"{}\", {})",
                self.one_of(["^[a-c]+$", "\\\\d", "^$", "(?i)BOB|main"]),
                self.text(depth)
            ),
            4 => format!("{} in {}", self.quoted_word(), self.set(depth)),
            5 => format!("{} in {}", self.number(depth), self.list_of_numbers(depth)),
            6 => format!("{} == {}", self.set(depth), self.set(depth)),
            7 => format!(
                "glob.match(\"{}\", [\"/\"], {})",
                self.one_of(["release/*", "*", "{alice,main}", "**"]),
                self.text(depth)
            ),
            8 => format!("is_{}({})", self.one_of(["number", "string", "array", "object"]), self.anything_flat(depth)),
            9 => format!("strings.any_prefix_match({}, {})", self.text(depth), self.list_of_texts(depth)),
            10 => format!("net.cidr_contains(\"10.{}.0.0/16\", \"10.3.{}.1\")", self.rng.u8(0..5), self.rng.u8(..)),
            _ => format!("semver.compare(\"1.{}.0\", \"1.{}.0-rc.1\") > 0", self.rng.u8(0..4), self.rng.u8(0..4)),
        }
    }

    fn condition(&mut self) -> String {
        match self.rng.u8(0..8) {
            6 => "not is_so".to_owned(),
            7 => format!("not is_more({}, {})", self.number(1), self.number(1)),
            0 => format!("not {}", self.truth(DEPTH)),
            1 => {
                let name = self.name();
                format!("every {name} in {} {{ {name} < {} }}", self.list_of_numbers(2), self.number(1))
            }
            2 => {
                let name = self.name();
                format!("some {name} in {}; startswith({name}, {})", self.list_of_texts(2), self.quoted_word())
            }
            _ => self.truth(DEPTH),
        }
    }

    fn list_of_numbers(&mut self, depth: usize) -> String {
        let Some(depth) = depth.checked_sub(1) else { return "input.numbers".to_owned() };
        match self.rng.u8(0..9) {
            0 => format!("[{}, {}]", self.number(depth), self.number(depth)),
            1 => format!("numbers.range({}, {})", self.rng.i8(-4..9), self.rng.i8(-4..9)),
            2 => format!("array.concat({}, {})", self.list_of_numbers(depth), self.list_of_numbers(depth)),
            3 => format!("array.slice({}, {}, {})", self.list_of_numbers(depth), self.rng.u8(0..3), self.rng.u8(0..5)),
            4 => format!("sort({})", self.list_of_numbers(depth)),
            5 => format!("array.reverse({})", self.list_of_numbers(depth)),
            6 => {
                let (name, list) = (self.name(), self.list_of_numbers(depth));
                self.numbers.push(name.clone());
                let (head, than) = (self.number(depth), self.rng.i8(-3..4));
                self.numbers.pop();
                format!("[{head} | some {name} in {list}; {name} > {than}]")
            }
            7 => {
                let (key, name) = (self.name(), self.name());
                format!(
                    "[[{key}, {name}][{}] | some {key}, {name} in {}]",
                    self.rng.u8(0..2),
                    self.list_of_numbers(depth)
                )
            }
            _ => "input.numbers".to_owned(),
        }
    }

    fn list_of_texts(&mut self, depth: usize) -> String {
        let Some(depth) = depth.checked_sub(1) else { return "input.texts".to_owned() };
        match self.rng.u8(0..8) {
            0 => format!("[{}, {}]", self.text(depth), self.text(depth)),
            1 => format!("split({}, {})", self.text(depth), self.one_of(["\",\"", "\"/\"", "\"\"", "\"a\""])),
            2 => format!("array.concat({}, {})", self.list_of_texts(depth), self.list_of_texts(depth)),
            3 => format!("sort({})", self.set(depth)),
            4 => format!("regex.find_n(\"[a-z]+\", {}, {})", self.text(depth), self.one_of(["1", "2", "-1"])),
            5 => {
                let (name, list) = (self.name(), self.list_of_texts(depth));
                self.texts.push(name.clone());
                let head = self.text(depth);
                self.texts.pop();
                format!("[{head} | some {name} in {list}; {name} != {}]", self.quoted_word())
            }
            _ => format!("regex.split(\"[,/]\", {})", self.text(depth)),
        }
    }

    /// Of texts.
    fn set(&mut self, depth: usize) -> String {
        let Some(depth) = depth.checked_sub(1) else {
            return format!("{{{}, {}}}", self.quoted_word(), self.quoted_word());
        };
        match self.rng.u8(0..5) {
            0 => format!("{{{}, {}}}", self.text(depth), self.text(depth)),
            1 => {
                let name = self.name();
                format!("{{{name} | some {name} in {}}}", self.list_of_texts(depth))
            }
            2 => format!("({} {} {})", self.set(depth), self.one_of(["|", "&", "-"]), self.set(depth)),
            3 => format!("object.keys({})", self.object(depth)),
            _ => format!("union({{{}, {}}})", self.set(depth), self.set(depth)),
        }
    }

    /// Of numbers.
    fn object(&mut self, depth: usize) -> String {
        let Some(depth) = depth.checked_sub(1) else { return "input.object".to_owned() };
        match self.rng.u8(0..6) {
            0 => format!("{{\"alice\": {}, \"main\": {}}}", self.number(depth), self.number(depth)),
            1 => format!("object.union({}, {})", self.object(depth), self.object(depth)),
            2 => format!("object.remove({}, {})", self.object(depth), self.set(depth)),
            3 => format!("object.filter({}, {})", self.object(depth), self.set(depth)),
            4 => {
                let (key, value) = (self.name(), self.name());
                format!(
                    "{{{key}: {value} | some {key}, {value} in {}; {value} > {}}}",
                    self.object(depth),
                    self.rng.i8(-2..3)
                )
            }
            _ => "input.object".to_owned(),
        }
    }
}
