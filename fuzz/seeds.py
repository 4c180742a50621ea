"""Makes what fuzzing begins with out of the stories' own files and the library of policies: seeds.py FIXTURES POLICIES INPUT FOLDER"""

import json
import pathlib
import sys

fixtures, policies, rego_input, folder = (pathlib.Path(argument) for argument in sys.argv[1:])


def seed(target, name, text):
    path = folder / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


for story in sorted(fixtures.glob("*/*")):
    name = story.name
    for body in (story / "webhook.json", story / "webhook.txt"):
        if body.exists():
            seed("delivery", name, body.read_text())
    if (story / "policy.toml").exists():
        seed("policy", name, (story / "policy.toml").read_text())
    for answer in sorted((story / "github").glob("*.json")):
        if ".patch." in answer.name:
            continue
        canned = json.loads(answer.read_text())
        call = answer.name.split(".")[0].split("~")[0]
        header = next(iter(canned.get("headers", {}).values()), "")
        body = json.dumps(canned["body"]) if "body" in canned else canned.get("text", "")
        seed("answer", f"{name}-{answer.stem}", f"{call} {canned['status']} {header}\n{body}")

for path in sorted([*policies.rglob("*.rego"), *fixtures.glob("*/*/policies/*.rego")]):
    seed("rego", f"{path.parent.name}-{path.stem}", f"{path.read_text()}\n---\n{rego_input.read_text()}")

for number, one in enumerate(["sha256=GOOD\n{}", "sha1=00\n", "sha256=0\nbody", "SHA256=GOOD\nbody"]):
    seed("signature", str(number), one)
delivery = {
    "id": 1, "guid": "0b989ba4-242f-11e5-81e1-c7b6966d2516", "delivered_at": "2026-01-05T10:06:00Z", "status_code": 503,
    "event": "deployment_protection_rule", "action": "requested", "installation_id": 555, "repository_id": 4242,
}
link = '<https://api.github.com/app/hook/deliveries?per_page=100&cursor=v1_12077215967>; rel="next"'
seed("answer", "deliveries", f"deliveries 200 {link}\n{json.dumps([delivery])}")
run = json.loads((fixtures / "approve/one-human-approved-the-gate/github/run.json").read_text())["body"]
seed("answer", "runs", f"runs 200 \n{json.dumps({'total_count': 1, 'workflow_runs': [run]})}")
seed("answer", "installation", 'installation 200 \n{"id": 555}')
seed("answer", "limit", 'run 403 60\n{"message": "You have exceeded a secondary rate limit."}')
