"""Asks OPA. Standard input is a list of engines, each {"policies": [[path, text]], "data": {}, "queries": [[path, input]]}; standard output has for each a
list with, for each query, {"value": ...}, {} (undefined) or {"error": ...}; or {"refused": ...} where OPA does not take the policies."""

import json
import sys

from opa_bindings import OpaEngine
from opa_bindings.engine import OpaError, OpaUndefinedError


def query(engine, path, document):
    try:
        return {"value": engine.eval_document(path, document)}
    except OpaUndefinedError:
        return {}
    except OpaError as error:
        return {"error": error.message}


def ask(asked):
    with OpaEngine() as engine:
        engine.print_handler = lambda message, location: None
        try:
            for path, text in asked["policies"]:
                engine.add_policy(path, text)
            engine.add_data(asked["data"])
            # OPA compiles with the first query.
            engine.eval_query("true")
        except OpaError as error:
            return {"refused": error.message}
        return [query(engine, path, document) for path, document in asked["queries"]]


json.dump([ask(asked) for asked in json.load(sys.stdin)], sys.stdout)
