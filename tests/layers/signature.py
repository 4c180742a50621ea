"""Reads an HTTP request to AWS and says whether botocore, AWS's own library, signs it the same."""

import sys

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

head, body = sys.stdin.read().split("\r\n\r\n", 1)
request_line, *lines = head.split("\r\n")
headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
path = request_line.split(" ")[1]
algorithm, rest = headers["authorization"].split(" ", 1)
fields = dict(field.strip().split("=", 1) for field in rest.split(","))
access_key, _, region, service, _ = fields["Credential"].split("/")

signed = fields["SignedHeaders"].split(";")
request = AWSRequest(
    method="POST",
    url=f"http://{headers['host']}{path}",
    data=body.encode(),
    headers={name: headers[name] for name in signed},
)
request.context["timestamp"] = headers["x-amz-date"]
secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
signer = SigV4Auth(Credentials(access_key, secret, headers.get("x-amz-security-token")), service, region)
signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
wanted = {"content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"}
is_same = algorithm == "AWS4-HMAC-SHA256" and signature == fields["Signature"] and set(signed) == wanted
print("the same" if is_same else f"got {fields['Signature']} over {signed}, botocore says {signature}")
