"""Writes template.yaml, which stays one plain file, from what the code already says.

frame.yaml           parameters, rules, bucket, queues, topic, outputs: written by hand, only filled
function_file.py     functions/<name>/function.yaml, typed and checked
tables.py            PynamoDB's models -> tables and indexes
functions.py         a function's file -> the function, its log, its event source
roles.py             a function's file -> its role, statement by statement
api.py               the RPCs that a handler claims -> routes, integration, permission
alarms.py            a function's file -> alarms
render.py            all of it in the frame
cloudformation.py    values of CloudFormation, read and built
yaml_text.py         such values as YAML
"""
