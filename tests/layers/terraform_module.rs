//! deploy/terraform as Terraform evaluates it: parsed as HCL, with values for the variables, and `count`, `for_each` and `dynamic` resolved. What only AWS
//! knows stands there as tests/layers/template.py writes it. Not here: any judgement; whether the provider would take it, which `terraform validate` says.

use std::path::Path;

use environment_gate::model::quoted;
use hcl::eval::{Context, Evaluate as _, FuncArgs, FuncDef, ParamType};
use hcl::{Attribute, Block, Body, Expression, Value as Hcl};
use serde_json::{Map, Value, json};

const MODULE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/terraform");
const ACCOUNT: &str = "123456789012";
const REGION: &str = "us-east-1";
/// What says how often a resource exists, or when it is made.
const META: [&str; 5] = ["count", "for_each", "depends_on", "lifecycle", "provider"];

/// A resource that these values create.
#[derive(Debug)]
pub(crate) struct Resource {
    /// `aws_lambda_function.function`, without its key.
    pub(crate) address: String,
    /// Its key in `for_each`.
    pub(crate) key: Option<String>,
    /// Its attributes and blocks; those that are null are not there.
    pub(crate) body: Value,
}

/// A variable's block: attributes that are values, and its validation.
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) of: Value,
    pub(crate) condition: Option<Expression>,
    pub(crate) error_message: Value,
}

/// The module, parsed.
pub(crate) struct Module {
    blocks: Vec<Block>,
}

/// The module with values for its variables.
pub(crate) struct Evaluated {
    pub(crate) resources: Vec<Resource>,
    pub(crate) outputs: Map<String, Value>,
}

impl Module {
    /// Parses every `.tf` file of the module.
    pub(crate) fn read() -> Self {
        let folder = Path::new(MODULE);
        let files = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|kind| kind == "tf")).collect();
        files.sort();
        let parse = |path: &std::path::PathBuf| -> Body {
            hcl::parse(&std::fs::read_to_string(path).unwrap())
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        Self { blocks: files.iter().flat_map(|path| parse(path).into_blocks()).collect() }
    }

    fn of_kind<'m>(&'m self, kind: &'m str) -> impl Iterator<Item = &'m Block> {
        self.blocks.iter().filter(move |block| block.identifier() == kind)
    }

    /// The variables, in their order.
    pub(crate) fn variables(&self) -> Vec<Variable> {
        self.of_kind("variable").map(variable).collect()
    }

    /// What exists with these values; the others have their defaults. `attributes` are those of resources that only AWS knows: address, attribute, value, with
    /// `{}` for the key in `for_each`.
    pub(crate) fn evaluate(&self, values: &Map<String, Value>, attributes: &[(&str, &str, &str)]) -> Evaluated {
        let mut context = Context::new();
        declare_functions(&mut context);
        let defaults = self.variables().into_iter().filter_map(|of| Some((of.name, of.of.get("default")?.clone())));
        let mut all: Map<String, Value> = defaults.collect();
        all.extend(values.clone());
        context.declare_var("var", hcl_of(&Value::Object(all)));
        let data = json!({
            "aws_partition": { "current": { "partition": "aws" } },
            "aws_region": { "current": { "id": REGION } },
            "aws_caller_identity": { "current": { "account_id": ACCOUNT } },
        });
        context.declare_var("data", hcl_of(&data));
        context.declare_var("path", hcl_of(&json!({ "module": MODULE })));
        self.declare_resources(&mut context, attributes);
        self.declare_locals(&mut context);
        // Once more, with those that `for_each` makes of a local.
        self.declare_resources(&mut context, attributes);
        let resources = self.of_kind("resource").flat_map(|block| instances(block, &context)).collect();
        let output = |block: &Block| (label(block, 0), value(attribute(block.body(), "value").unwrap(), &context));
        Evaluated { resources, outputs: self.of_kind("output").map(output).collect() }
    }

    /// `TYPE.NAME.ATTRIBUTE`; a resource with `count` is a list of as many, and one with `for_each` a map.
    fn declare_resources(&self, context: &mut Context<'_>, attributes: &[(&str, &str, &str)]) {
        let mut types: Map<String, Value> = Map::new();
        for block in self.of_kind("resource") {
            let address = format!("{}.{}", label(block, 0), label(block, 1));
            let of_one = |key: &str| -> Value {
                let known = attributes.iter().filter(|(of, ..)| *of == address);
                known.map(|(_, name, value)| ((*name).to_owned(), json!(value.replace("{}", key)))).collect()
            };
            let count = attribute(block.body(), "count").map(|count| value(count, context).as_u64().unwrap());
            let each = attribute(block.body(), "for_each").map(|each| each.evaluate(context));
            let all = match (count, each) {
                (Some(count), _) => (0..count).map(|_| of_one("")).collect(),
                (None, Some(Ok(Hcl::Object(each)))) => each.keys().map(|key| (key.clone(), of_one(key))).collect(),
                // Of a local that is not known yet.
                (None, Some(_)) => Value::Null,
                (None, None) => of_one(""),
            };
            let of_type = types.entry(label(block, 0)).or_insert_with(|| json!({}));
            of_type[label(block, 1)] = all;
        }
        for (name, resources) in types {
            context.declare_var(name.as_str(), hcl_of(&resources));
        }
    }

    /// Locals may use each other in any order.
    fn declare_locals(&self, context: &mut Context<'_>) {
        let mut waiting: Vec<&Attribute> = self.of_kind("locals").flat_map(|block| block.body().attributes()).collect();
        let mut locals: Map<String, Value> = Map::new();
        while !waiting.is_empty() {
            context.declare_var("local", hcl_of(&Value::Object(locals.clone())));
            let (known, unknown): (Vec<_>, Vec<_>) =
                waiting.iter().copied().partition(|local| local.expr().evaluate(context).is_ok());
            for local in &known {
                locals.insert(local.key().to_owned(), value(local.expr(), context));
            }
            assert!(!known.is_empty(), "{:?}", unknown.first().map(|local| local.expr().evaluate(context)));
            waiting = unknown;
        }
        context.declare_var("local", hcl_of(&Value::Object(locals)));
    }
}

fn variable(block: &Block) -> Variable {
    // `type` is not a value, and a schema's own test is `terraform validate`.
    let of = block.body().attributes().filter(|attribute| attribute.key() != "type");
    let validation = block.body().blocks().find(|block| block.identifier() == "validation").map(Block::body);
    Variable {
        name: label(block, 0),
        of: of.map(|attribute| (attribute.key().to_owned(), value(attribute.expr(), &Context::new()))).collect(),
        condition: validation.and_then(|body| attribute(body, "condition")).cloned(),
        error_message: validation
            .and_then(|body| attribute(body, "error_message"))
            .map_or(Value::Null, |message| value(message, &Context::new())),
    }
}

/// The instances of a resource: one, as many as `count`, or one for each element of `for_each`.
fn instances(block: &Block, context: &Context<'_>) -> Vec<Resource> {
    let address = format!("{}.{}", label(block, 0), label(block, 1));
    let instance = |key: Option<String>, context: &Context<'_>| Resource {
        address: address.clone(),
        key,
        body: evaluated(block.body(), context),
    };
    if let Some(count) = attribute(block.body(), "count") {
        let count = value(count, context).as_u64().unwrap();
        return (0..count).map(|_| instance(None, context)).collect();
    }
    let Some(each) = attribute(block.body(), "for_each") else { return vec![instance(None, context)] };
    let each = value(each, context);
    let each = each.as_object().unwrap_or_else(|| panic!("{address}: got {each}, expected a map"));
    let with = |(key, value): (&String, &Value)| {
        let mut context = context.clone();
        context.declare_var("each", hcl_of(&json!({ "key": key, "value": value })));
        instance(Some(key.clone()), &context)
    };
    each.iter().map(with).collect()
}

/// Attributes and blocks, those that are `dynamic` among them. A block that stands there twice is a list.
fn evaluated(body: &Body, context: &Context<'_>) -> Value {
    let mut all = Map::new();
    for attribute in body.attributes().filter(|attribute| !META.contains(&attribute.key())) {
        let value = value(attribute.expr(), context);
        if !value.is_null() {
            all.insert(attribute.key().to_owned(), value);
        }
    }
    for block in body.blocks().filter(|block| !META.contains(&block.identifier())) {
        let (name, bodies) = match block.identifier() {
            "dynamic" => (label(block, 0), dynamic(block, context)),
            name => (name.to_owned(), vec![evaluated(block.body(), context)]),
        };
        for body in bodies {
            assert!(
                all.insert(name.clone(), body).is_none(),
                "two blocks {name}: teach this evaluator lists of blocks"
            );
        }
    }
    Value::Object(all)
}

fn dynamic(block: &Block, context: &Context<'_>) -> Vec<Value> {
    let each = value(attribute(block.body(), "for_each").unwrap(), context);
    let content = block.body().blocks().find(|block| block.identifier() == "content").unwrap();
    let with = |element: &Value| {
        let mut context = context.clone();
        context.declare_var(label(block, 0).as_str(), hcl_of(&json!({ "value": element })));
        evaluated(content.body(), &context)
    };
    each.as_array().unwrap_or_else(|| panic!("got {each}, expected a list")).iter().map(with).collect()
}

fn label(block: &Block, index: usize) -> String {
    block.labels()[index].as_str().to_owned()
}

fn attribute<'b>(body: &'b Body, name: &str) -> Option<&'b Expression> {
    body.attributes().find(|attribute| attribute.key() == name).map(Attribute::expr)
}

/// The value of an expression.
pub(crate) fn value(expression: &Expression, context: &Context<'_>) -> Value {
    let value = expression.evaluate(context).unwrap_or_else(|error| panic!("{error}"));
    serde_json::to_value(value).unwrap()
}

/// Whether a condition of a variable holds with this value.
pub(crate) fn holds(condition: &Expression, name: &str, of: &Value) -> bool {
    let mut context = Context::new();
    declare_functions(&mut context);
    context.declare_var("var", hcl_of(&json!({ name: of })));
    value(condition, &context).as_bool().unwrap_or_else(|| panic!("the condition of {} is not one", quoted(name)))
}

/// The pattern of `can(regex(PATTERN, var.NAME))`.
pub(crate) fn pattern(condition: &Expression) -> Option<String> {
    let call = |expression: &Expression, name: &str| match expression {
        Expression::FuncCall(call) if call.name.name.as_str() == name => call.args.first().cloned(),
        _ => None,
    };
    let pattern = call(&call(condition, "can")?, "regex")?;
    Some(value(&pattern, &Context::new()).as_str()?.to_owned())
}

fn hcl_of(value: &Value) -> Hcl {
    serde_json::from_value(value.clone()).unwrap()
}

/// The functions of Terraform that the module calls.
fn declare_functions(context: &mut Context<'_>) {
    let variadic = |function| FuncDef::builder().variadic_param(ParamType::Any).build(function);
    let of = |params: usize, function| FuncDef::builder().params(vec![ParamType::Any; params]).build(function);
    context.declare_func("concat", variadic(concat));
    context.declare_func("merge", variadic(merge));
    context.declare_func("join", of(2, join));
    context.declare_func("jsonencode", of(1, jsonencode));
    context.declare_func("startswith", of(2, startswith));
    context.declare_func("contains", of(2, contains));
    context.declare_func("floor", of(1, floor));
    context.declare_func("file", of(1, file));
}

fn concat(args: FuncArgs) -> Result<Hcl, String> {
    let lists = args.into_values().into_iter().map(|list| list.as_array().cloned().ok_or("expected lists"));
    let lists: Vec<Vec<Hcl>> = lists.collect::<Result<_, _>>()?;
    Ok(Hcl::Array(lists.concat()))
}

fn merge(args: FuncArgs) -> Result<Hcl, String> {
    let mut all = hcl::Map::new();
    for map in args.into_values() {
        all.extend(map.as_object().ok_or("expected maps")?.clone());
    }
    Ok(Hcl::Object(all))
}

fn join(args: FuncArgs) -> Result<Hcl, String> {
    let [separator, list] = arguments(args)?;
    let (separator, list) = (separator.as_str().ok_or("expected a text")?, list.as_array().ok_or("expected a list")?);
    let texts: Vec<&str> = list.iter().map(|text| text.as_str().ok_or("expected texts")).collect::<Result<_, _>>()?;
    Ok(texts.join(separator).into())
}

fn jsonencode(args: FuncArgs) -> Result<Hcl, String> {
    let [value] = arguments(args)?;
    serde_json::to_string(&value).map(Hcl::from).map_err(|error| error.to_string())
}

fn startswith(args: FuncArgs) -> Result<Hcl, String> {
    let [text, prefix] = arguments(args)?;
    Ok(text.as_str().ok_or("expected a text")?.starts_with(prefix.as_str().ok_or("expected a text")?).into())
}

fn contains(args: FuncArgs) -> Result<Hcl, String> {
    let [list, value] = arguments(args)?;
    Ok(list.as_array().ok_or("expected a list")?.contains(&value).into())
}

fn floor(args: FuncArgs) -> Result<Hcl, String> {
    let [number] = arguments(args)?;
    let number = number.as_f64().ok_or("expected a number")?;
    Ok(hcl::Number::from_f64(number.floor()).ok_or("expected a finite number")?.into())
}

fn file(args: FuncArgs) -> Result<Hcl, String> {
    let [path] = arguments(args)?;
    std::fs::read_to_string(path.as_str().ok_or("expected a path")?).map(Hcl::from).map_err(|error| error.to_string())
}

fn arguments<const N: usize>(args: FuncArgs) -> Result<[Hcl; N], String> {
    args.into_values().try_into().map_err(|args: Vec<Hcl>| format!("got {} arguments, expected {N}", args.len()))
}
