"""Render template.yaml, one plain file, from the models, the handlers' claims and a file per function.

frame.yaml           written by hand: parameters, rules, bucket, queues, topic, their policies and outputs
function_file.py     reads and validates functions/<name>/function.yaml
tables.py            PynamoDB's models -> tables and indexes
functions.py         function.yaml -> the function, its log, its event source
roles.py             function.yaml -> the function's role
api.py               the RPCs that a handler claims -> routes, integration, permission
alarms.py            function.yaml -> alarms
render.py            puts all of it into the frame
cloudformation.py    values of CloudFormation: read, built
yaml_text.py         values of CloudFormation: written as YAML
"""
