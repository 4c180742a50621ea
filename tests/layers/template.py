"""Translates the SAM template to CloudFormation, offline, and prints as JSON what a stack would have.

    python tests/layers/template.py [--template FILE] [--stack-name NAME] [--region REGION] [NAME=VALUE ...]

Parameters are held to their patterns and limits, conditions and functions are resolved. What only AWS knows stands there in angle
brackets, as in `<Function>` or `<HttpApi.ApiEndpoint>`. Not here: any judgement of what is printed.
"""

import argparse
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

PARTITION, ACCOUNT, URL_SUFFIX = "aws", "123456789012", "amazonaws.com"
API_PREFIX = "AWS::ApiGatewayV2::"
# Marks a property that `AWS::NoValue` takes away.
NO_VALUE = object()


class Problem(Exception):
    """The template or a value given for it cannot be used."""


def main() -> int:
    arguments = read_arguments()
    try:
        given = dict(split_value(value) for value in arguments.values)
        stack = Stack(arguments.template, arguments.stack_name, arguments.region, given)
        print(json.dumps(stack.report(), indent=2))
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--template", type=Path, default=Path(__file__).parents[2] / "template.yaml")
    parser.add_argument("--stack-name", default="environment-gate")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("values", nargs="*", metavar="NAME=VALUE")
    return parser.parse_args()


def split_value(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Problem(f"got `{text}`, expected NAME=VALUE")
    return name, value


def translate(template: dict, values: dict[str, str], region: str) -> dict:
    # The translator asks botocore for the region alone; without one it would refuse to work.
    os.environ["AWS_DEFAULT_REGION"] = region
    from samtranslator.public.exceptions import InvalidDocumentException
    from samtranslator.translator.transform import transform

    # `sam package` would have put the code there.
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = {"Bucket": "bucket", "Key": "code.zip"}

    class NoManagedPolicies:
        def load(self) -> dict[str, str]:
            return {}

    try:
        return transform(template, dict(values), NoManagedPolicies())
    except InvalidDocumentException as error:
        causes = "\n".join(cause.message for cause in error.causes)
        raise Problem(f"the template cannot be translated:\n{causes}") from error


def parameter_values(declared: dict[str, dict], given: dict[str, str]) -> dict[str, str]:
    problems = [f"`{name}`: got a value for it, expected none: no such parameter" for name in given if name not in declared]
    values = {}
    for name, parameter in declared.items():
        value = given.get(name, parameter.get("Default"))
        if value is None:
            problems.append(f"`{name}`: got no value, expected one")
            continue
        values[name] = str(value)
        if not fits(parameter, str(value)):
            problems.append(f"`{name}`: got `{value}`, {parameter.get('ConstraintDescription', 'expected another value')}")
    if problems:
        raise Problem("\n".join(problems))
    return values


def fits(parameter: dict, value: str) -> bool:
    allowed = parameter.get("AllowedValues")
    if allowed is not None and value not in map(str, allowed):
        return False
    if not re.fullmatch(parameter.get("AllowedPattern", "(?s:.*)"), value):
        return False
    if parameter["Type"] != "Number":
        return True
    if not re.fullmatch(r"-?[0-9]+", value):
        return False
    low, high = parameter.get("MinValue"), parameter.get("MaxValue")
    return (low is None or int(value) >= low) and (high is None or int(value) <= high)


class Stack:
    """A template with values for its parameters, all that can be known before it is deployed resolved."""

    def __init__(self, path: Path, name: str, region: str, given: dict[str, str]):
        from samtranslator.yaml_helper import yaml_parse

        template = yaml_parse(path.read_text(encoding="utf-8"))
        self.parameters = parameter_values(template.get("Parameters", {}), given)
        translated = translate(template, self.parameters, region)
        self.conditions = translated.get("Conditions", {})
        self.references: dict[str, Any] = {
            **self.parameters,
            "AWS::AccountId": ACCOUNT,
            "AWS::NoValue": NO_VALUE,
            "AWS::Partition": PARTITION,
            "AWS::Region": region,
            "AWS::StackName": name,
            "AWS::URLSuffix": URL_SUFFIX,
        }
        self.assert_rules(translated.get("Rules", {}))
        declared = {id: resource for id, resource in translated["Resources"].items() if self.exists(resource)}
        self.types = {id: resource["Type"] for id, resource in declared.items()}
        self.resources = {id: self.resolve(resource) for id, resource in declared.items()}
        self.outputs = self.resolve({id: output["Value"] for id, output in translated.get("Outputs", {}).items()})

    def report(self) -> dict[str, Any]:
        routes = [route for api in self.of_type(API_PREFIX + "Api").values() for route in routes_of(api.get("Body", {}))]
        return {
            "parameters": self.parameters,
            "resources": self.types,
            # What stays when the stack is deleted.
            "retained": [id for id, resource in self.resources.items() if "Retain" in resource.get("DeletionPolicy", "")],
            "functions": self.of_type("AWS::Lambda::Function"),
            "roles": {id: role_of(role) for id, role in self.of_type("AWS::IAM::Role").items()},
            # A statement that hangs on a role from outside.
            "other_iam": {
                id: properties
                for id, properties in self.of_type("AWS::IAM::").items()
                if self.types[id] != "AWS::IAM::Role"
            },
            "routes": routes,
            "apis": self.of_type(API_PREFIX, without=("Body",)),
            "event_sources": {
                **self.of_type("AWS::Lambda::Permission"),
                **self.of_type("AWS::Lambda::EventSourceMapping"),
                **self.of_type("AWS::Lambda::EventInvokeConfig"),
                **self.of_type("AWS::Lambda::Url"),
                **self.of_type("AWS::Events::"),
                **self.of_type("AWS::Scheduler::"),
            },
            "log_groups": self.of_type("AWS::Logs::LogGroup"),
            "queries": self.of_type("AWS::Logs::QueryDefinition"),
            "alarms": self.of_type("AWS::CloudWatch::Alarm"),
            "dashboards": self.of_type("AWS::CloudWatch::Dashboard"),
            "outputs": self.outputs,
        }

    def of_type(self, prefix: str, without: tuple[str, ...] = ()) -> dict[str, dict]:
        return {
            id: {key: value for key, value in resource.get("Properties", {}).items() if key not in without}
            for id, resource in self.resources.items()
            if resource["Type"].startswith(prefix)
        }

    def exists(self, declared: dict) -> bool:
        return "Condition" not in declared or self.holds({"Condition": declared["Condition"]})

    def assert_rules(self, rules: dict[str, dict]) -> None:
        assertions = [assertion for rule in rules.values() for assertion in rule["Assertions"]]
        problems = [one["AssertDescription"] for one in assertions if not self.holds(one["Assert"])]
        if problems:
            raise Problem("\n".join(problems))

    def resolve(self, value: Any) -> Any:
        """A value without functions; `NO_VALUE` items and properties are gone."""
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            function, argument = next(iter(value.items()))
            if function == "Ref" or function.startswith("Fn::"):
                return self.call(function, argument)
        resolved = ((key, self.resolve(item)) for key, item in value.items())
        return {key: item for key, item in resolved if item is not NO_VALUE}

    def call(self, function: str, argument: Any) -> Any:
        match function:
            case "Ref":
                return self.reference(argument)
            case "Fn::GetAtt":
                return self.attribute(*(argument if isinstance(argument, list) else argument.split(".", 1)))
            case "Fn::Sub":
                return self.substitute(argument)
            case "Fn::If":
                condition, then, otherwise = argument
                return self.resolve(then if self.holds({"Condition": condition}) else otherwise)
            case "Fn::Join":
                separator, parts = argument
                return separator.join(map(str, self.resolve(parts)))
            case "Fn::Split":
                separator, text = argument
                return self.resolve(text).split(separator)
            case "Fn::Select":
                index, items = argument
                return self.resolve(items)[int(self.resolve(index))]
        raise Problem(f"got `{function}`, expected a function that is known here")

    def holds(self, condition: dict) -> bool:
        function, argument = next(iter(condition.items()))
        match function:
            case "Condition":
                return self.holds(self.conditions[argument])
            case "Fn::Equals":
                left, right = (str(self.resolve(side)) for side in argument)
                return left == right
            case "Fn::Not":
                return not self.holds(argument[0])
            case "Fn::And":
                return all(map(self.holds, argument))
            case "Fn::Or":
                return any(map(self.holds, argument))
        raise Problem(f"got `{function}`, expected a condition that is known here")

    def substitute(self, argument: Any) -> str:
        text, own = argument if isinstance(argument, list) else (argument, {})

        def value_of(found: re.Match) -> str:
            name = found[1]
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in own:
                return str(self.resolve(own[name]))
            return str(self.attribute(*name.split(".", 1)) if "." in name else self.reference(name))

        return re.sub(r"\$\{([^}]+)\}", value_of, text)

    def reference(self, name: str) -> Any:
        if name in self.references:
            return self.references[name]
        self.expect_resource(name)
        return f"<{name}>"

    def attribute(self, name: str, attribute: str) -> str:
        self.expect_resource(name)
        return f"<{name}.{attribute}>"

    def expect_resource(self, name: str) -> None:
        if name not in self.types:
            raise Problem(f"got a reference to `{name}`, expected a parameter, or a resource that these values create")


def role_of(role: dict) -> dict[str, Any]:
    policies = role.get("Policies", [])
    return {
        "trust": statements_of(role["AssumeRolePolicyDocument"]),
        "managed_policies": role.get("ManagedPolicyArns", []),
        "statements": [statement for policy in policies for statement in statements_of(policy["PolicyDocument"])],
    }


def statements_of(document: dict) -> list[dict]:
    """Statements with lists of actions and of resources, whichever way they were written."""
    return [
        {key: [value] if key in ("Action", "Resource") and isinstance(value, str) else value for key, value in statement.items()}
        for statement in document["Statement"]
    ]


def routes_of(body: dict) -> list[dict]:
    integration = "x-amazon-apigateway-integration"
    return [
        {"method": method.upper(), "path": path, "integration": operation.get(integration, {})}
        for path, operations in body.get("paths", {}).items()
        for method, operation in operations.items()
    ]


if __name__ == "__main__":
    sys.exit(main())
