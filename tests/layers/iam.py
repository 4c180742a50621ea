"""Makes a role with the trust policy on standard input, and prints it as `aws iam get-role --output json` does."""

import json
import sys

import boto3

iam = boto3.client("iam", endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
iam.create_role(RoleName="release", AssumeRolePolicyDocument=sys.stdin.read())
print(json.dumps({"Role": iam.get_role(RoleName="release")["Role"]}, default=str))
