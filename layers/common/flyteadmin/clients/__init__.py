"""The edge: the only modules that talk to AWS or Kubernetes, one for each service.

`aws` makes the boto3 clients and translates their errors, within `deadline`. On them stand `dynamodb`, `storage` (S3),
`queue` (SQS), `topic` (SNS; both by `attributes`) and `configuration` (flyteadmin.yaml). `cluster` calls Kubernetes,
and `cluster_answers` decides what an answer means.
"""
