"""The Python handlers of the differential suite: `/name/...` is answered by the function `name` of a module beside."""

import errors
import events
import inputs
import published
import responses
import results

MODULES = (errors, events, inputs, published, responses, results)
HANDLERS = {
    name: value
    for module in MODULES
    for name, value in vars(module).items()
    if callable(value) and not isinstance(value, type) and value.__module__ == module.__name__
}


def main(event, context):
    name = event["extensions"]["request"].path.split("/")[1]
    return HANDLERS[name.replace("-", "_")](event, context)
